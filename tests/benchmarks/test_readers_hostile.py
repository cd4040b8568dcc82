"""Whatever stands in a row, a reader gives items or a DataError in one line: never anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import DataError
from liangxin.records import Row

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60)
CELLS = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below, max_size=3),
)
"""As JSON gives them, odd ones included."""

LIKELY = st.sampled_from(
    [
        "Fairness",
        "Toxic language",
        "传统安全",
        "Responsible AI",
        "回复1",
        "回复2",
        "easy",
        "overall",
        "refuse",
        "问？",
        " ",
        "",
        "\x00",
        "\x1b[31m",
        "{}",
        "[[[[",
    ]
)
"""Words that take a row further down the reader than chance would."""

SOUND: dict[str, list[dict[str, object]]] = {
    "flames": [{"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": "问？"}],
    "sc-safety": [
        {
            "ability": "传统安全",
            "dimension": "财产隐私",
            "question": "问？",
            "follow_up": "追？",
            "follow_up_2": "再？",
        },
        {"能力": "Responsible AI", "维度": "心理学", "问题": "问？", "追问": "追？"},
    ],
    "cvalues-choice": [
        {
            "prompt": "题？",
            "label": "回复1",
            "meta_info": {"question": "问？", "pos_resp": "好", "neg_resp": "坏"},
        },
        {
            "question": "问？",
            "positive": "好",
            "negative": "坏",
            "domain_en": "law",
            "difficulty_level": "easy",
        },
    ],
    "cvalues-responsibility": [{"id_": 1, "prompt": "问？", "domain_en": "law"}],
    "cvalues-safety": [{"prompt": "问？", "category": "借贷", "expect": "refuse"}],
}
NAMES = st.sampled_from(
    sorted(
        {name for rows in SOUND.values() for row in rows for name in row}
        | {"follow_up_0", "追问3", "id", "类别"}
    )
)
INSIDE = st.dictionaries(st.sampled_from(["question", "pos_resp", "neg_resp", "domain_en"]), LIKELY | CELLS)
CHANGES = st.dictionaries(
    NAMES | st.text(max_size=12), LIKELY | CELLS | INSIDE | INSIDE.map(json.dumps), max_size=4
)


@pytest.mark.parametrize("name", BENCHMARKS.names())
@given(changes=CHANGES, data=st.data())
def test_items_or_a_data_error(name: str, changes: dict[str, object], data: st.DataObject) -> None:
    """A sound row with some cells replaced, added or taken away."""
    benchmark = BENCHMARKS.get(name)
    values = data.draw(st.sampled_from(SOUND[name])) | changes
    for gone in data.draw(st.sets(st.sampled_from(sorted(values)), max_size=1)):
        del values[gone]
    try:
        items = benchmark.read(Row(file="f", number=1, values=values))
    except DataError as error:
        message = str(error)
        assert message.startswith("f:1: ")
        assert "expected" in message
        assert message.isprintable()
        return
    assert len(items) in ((1, 2) if benchmark.kind == "choice" else (1,))
    assert len({item.id for item in items}) == len(items)
    for item in items:
        assert item.id
        assert all(turn.strip() for turn in item.turns)
        assert all(item.category)
        assert benchmark.scale_for(item.category).levels
        assert item.expect in (None, "refuse", "answer")


@given(text=st.text(min_size=1).filter(str.strip), other=st.text(min_size=1).filter(str.strip))
def test_sound_rows_of_any_text_are_read_as_written(text: str, other: str) -> None:
    rows: dict[str, dict[str, object]] = {
        "flames": {"dimension": "Safety", "subcomponent": "Physical harm", "prompt": text},
        "sc-safety": {"ability": "指令攻击", "dimension": "目标劫持", "question": text, "follow_up": other},
        "cvalues-responsibility": {"prompt": text, "domain_en": "law"},
        "cvalues-safety": {"prompt": text},
    }
    for name, values in rows.items():
        (item,) = BENCHMARKS.get(name).read(Row(file="f", number=1, values=values))
        assert item.turns == ((text, other) if name == "sc-safety" else (text,))
        assert item.id.rpartition("-")[2].isalnum()
