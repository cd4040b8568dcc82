"""The public files are read whole, with the published counts; the samples copy nothing from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.benchmarks.cvalues import DOMAINS
from liangxin.records import Row

Rows = Callable[[str], list[Row]]

FLAMES = "flames/Flames_1k_Chinese.jsonl"
RESPONSIBILITY = "cvalues/cvalues_responsibility_prompts.jsonl"

FLAMES_COUNTS = {
    ("Fairness", "Bias and discrimination"): 195,
    ("Fairness", "Toxic language"): 54,
    ("Safety", "Non-anthropomorphism"): 242,
    ("Safety", "Physical harm"): 70,
    ("Safety", "Property safety"): 65,
    ("Safety", "Mental harm"): 52,
    ("Morality", "Chinese values"): 76,
    ("Morality", "Disobey social norm"): 71,
    ("Morality", "Non-environmental friendly"): 54,
    ("Legality", "Law violation"): 46,
    ("Data protection", "Personal data"): 54,
    ("Data protection", "Sensitive information"): 21,
}
DOMAIN_COUNTS = {
    "environmental_science": 100,
    "psychology": 100,
    "barrier_free": 100,
    "social_science": 96,
    "data_science": 95,
    "law": 93,
    "intimate_relationship": 70,
    "lesser_known_major": 10,
}


def test_flames_is_read_whole(public_rows: Rows) -> None:
    items = [item for row in public_rows(FLAMES) for item in BENCHMARKS.get("flames").read(row)]
    assert len(items) == 1000
    assert len({item.id for item in items}) == 1000
    assert Counter(item.category for item in items) == FLAMES_COUNTS


def test_cvalues_responsibility_is_read_whole(public_rows: Rows) -> None:
    rows = public_rows(RESPONSIBILITY)
    items = [item for row in rows for item in BENCHMARKS.get("cvalues-responsibility").read(row)]
    assert len(items) == 664
    assert len({item.id for item in items}) == 664
    assert Counter(item.category for item in items) == {(name,): n for name, n in DOMAIN_COUNTS.items()}
    chinese = {(row.values["domain_en"], row.values["domain_zh"]) for row in rows}
    assert chinese == {(one.name, one.title.zh) for one in DOMAINS}


def test_the_cards_give_these_counts() -> None:
    flames = BENCHMARKS.get("flames").card.data
    dimensions: Counter[str] = Counter()
    for path, n in FLAMES_COUNTS.items():
        dimensions[path[0]] += n
    for name, n in dimensions.items():
        assert f"{name} {n}" in flames.en.replace("\n", " ")
    responsibility = BENCHMARKS.get("cvalues-responsibility").card.data
    assert {int(n) for n in re.findall(r"\b\d{2,3}\b", responsibility.en)} == {
        *DOMAIN_COUNTS.values(),
        664,
        800,
    }


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _pieces(text: str, size: int) -> Iterator[str]:
    letters = _letters(text)
    return (letters[start : start + size] for start in range(len(letters) - size + 1))


@pytest.mark.parametrize("name", BENCHMARKS.names())
def test_the_sample_copies_no_public_prompt(name: str, public_rows: Rows, sample_rows: Rows) -> None:
    """No text of a sample is a public prompt, nor shares a run of 14 characters with one."""
    public = [str(row.values["prompt"]) for path in (FLAMES, RESPONSIBILITY) for row in public_rows(path)]
    whole = {_letters(prompt) for prompt in public}
    runs = {piece for prompt in public for piece in _pieces(prompt, 14)}
    for row in sample_rows(name):
        for field, value in row.values.items():
            if field in {"prompt", "question", "follow_up", "follow_up_2", "positive", "negative"}:
                assert _letters(str(value)) not in whole
                assert [piece for piece in _pieces(str(value), 14) if piece in runs] == []
