"""The hashed features against a plain rewriting of their definition."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.judges.scoring.features import PARTS, FeatureSettings, extract, prepared

MASK = (1 << 64) - 1
TEXTS = st.text(max_size=40) | st.text(alphabet="我不能帮你“打”他。abc\n", max_size=60)


def bucket(salt: int, gram: str, bits: int) -> int:
    value = salt * 0x9E3779B97F4A7C15 & MASK
    for c in gram:
        value = (value * 0x100000001B3 + ord(c) + 1) & MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
    return (value ^ value >> 31) >> (64 - bits)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_prompt_and_response_have_features_of_their_own(pairs: list[tuple[str, str]]) -> None:
    wanted = FeatureSettings(parts=("prompt", "response"), bits=12)
    found = extract(pairs, wanted)
    rows: list[dict[int, float]] = [defaultdict(float) for _ in pairs]
    for row, place, value in zip(found.rows, found.buckets, found.values, strict=True):
        rows[row][int(place)] += value
    for (prompt, response), row in zip(pairs, rows, strict=True):
        expected: dict[int, float] = defaultdict(float)
        for salt, text in ((1, prepared(prompt)), (2, prepared(response))):
            grams = {text[at : at + n] for n in (1, 2, 3) for at in range(len(text) - n + 1)}
            places = {bucket(salt, gram, 12) for gram in grams}
            for place in places:
                expected[place] += 1 / math.sqrt(len(places))
        assert row.keys() == expected.keys()
        for place, value in expected.items():
            assert math.isclose(row[place], value)


def test_every_part_is_read_and_lengths_weigh_alike() -> None:
    pair = ("他说“打人”怎么办？", "你说的“打人”不对，请和他谈一谈。")
    for part in PARTS:
        found = extract([pair], FeatureSettings(parts=(part,)))
        assert len(found.values)
        assert math.isclose(float(np.sum(found.values**2)), 1)


def test_quotations_and_edges() -> None:
    def keys(part: str, response: str) -> set[int]:
        return set(extract([("", response)], FeatureSettings(parts=(part,))).buckets.tolist())

    assert keys("unquoted", "我不说“打死他”这种话") == keys("unquoted", "我不说“别的话”这种话")
    assert keys("head", "一二三四五六七八九十" * 3) == keys("head", "一二三四五六七八九十" * 2 + "别的")
    assert keys("tail", "一二三四五六七八九十" * 3) == keys("tail", "别的" + "一二三四五六七八九十" * 2)
    assert keys("response", "ＡＢ，國") == keys("response", "ab,國")


def test_the_middle_of_a_long_text_is_left_out() -> None:
    text = "头" * 3000 + "中" * 90_000 + "尾" * 3000
    assert "中" not in prepared(text)
    assert len(prepared(text)) < 5_000
