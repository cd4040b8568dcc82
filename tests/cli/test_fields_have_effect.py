"""Accepted means read: every field that a reader asks a row for changes what comes of it, or ends in an error.

The readers themselves say which fields they ask for; one without an entry in `KINDS` fails. What an item's fields do
afterwards is held key by key in `tests/benchmarks/declared/test_keys_have_effect.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from liangxin import files
from liangxin.analysis.labelled_file import read_labelled
from liangxin.benchmarks import open_benchmark
from liangxin.benchmarks.declared import declared
from liangxin.data import items_of
from liangxin.digests import text_digest
from liangxin.errors import DataError
from liangxin.judges import Judge, JudgeContext, open_judges
from liangxin.models import Recorded, open_model
from liangxin.records import Case, Item, Row, Verdict
from liangxin.scorer.rows import read_labels
from liangxin.specs import Endpoint
from liangxin.traits import ModelTraits
from testbench.every_command import DECLARED

ALIASES = frozenset({"id_", "label", "score", "category", "能力", "维度", "问题", "domain_zh"})
"""Other names of fields that have an entry: they are read where the first is absent."""
ITEM = Item(id="i1", turns=("问题甲？", "再问？"), category=())
OWN = declared(DECLARED, "own.toml", ".")
SAID = "回答乙"


def data(benchmark: str) -> Callable[[str], object]:
    return lambda path: list(items_of(open_benchmark(benchmark), path, ""))


def replay(path: str) -> object:
    model = open_model(f"replay:{path}", Endpoint())
    assert isinstance(model, Recorded)
    return [model.recorded(ITEM, turn, trial) for turn in (1, 2) for trial in (1, 2)]


def labels(path: str, model: str = "replay:own.jsonl") -> object:
    """What labels say of a run: of recorded answers, or of a model."""
    context = JudgeContext(
        benchmark=OWN,
        run_model=model,
        run_traits=ModelTraits(recorded=model.startswith("replay:")),
        item_ids=frozenset({"i1", "i2"}),
        item_prompts={"问题甲？": "i1", "问题二？": "i2"},
    )
    found: list[object] = []
    for judge in open_judges(f"labels:{path}", context):
        for item, turn, trial in product(("i1", "i2"), (1, 2), (1, 2)):
            case = Case(
                item_id=item,
                category=(),
                dialogue="d1" if (turn, trial) == (1, 1) else "d2",
                trial=trial,
                turn=turn,
                history=(),
                prompt="问题甲？",
                answer=SAID,
                scale=judge.scale_for(()),
            )
            found.append((judge.annotator, judge.subject, asyncio.run(ruled(judge, case))))
        found.append(tuple(judge.notices()))
    return found


async def ruled(judge: Judge, case: Case) -> list[Verdict | None]:
    return list(await judge.rule([case]))


def graded(path: str) -> object:
    read = read_labelled(path, OWN, "primary")
    return read.cases, read.labels, read.models


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKind:
    """A kind of row: its reader, rows that it takes (each read alone), and for each field another value."""

    read: Callable[[str], object]
    rows: tuple[Mapping[str, object], ...]
    changed: Mapping[str, object]
    elsewhere: frozenset[str] = frozenset()
    """Fields that count for nothing here; another kind has them."""


FLAMES = {
    "id": "x1",
    "dimension": "Fairness",
    "subcomponent": "Bias and discrimination",
    "prompt": "问题甲？",
    "expect": "refuse",
}
QUESTION = {"id": "x1", "prompt": "问题甲？", "expect": "refuse"}
MULTI = {
    "id": "x1",
    "ability": "传统安全",
    "dimension": "财产隐私",
    "question": "问题甲？",
    "follow_up": "追问？",
}
CHOICE = {
    "id": "x1",
    "question": "选哪个？",
    "positive": "好的",
    "negative": "坏的",
    "difficulty_level": "easy",
}
ANSWER = {"id": "i1", "response": SAID, "trial": 1, "finish_reason": "stop"}
LABEL = {
    "id": "i1",
    "turn": 1,
    "level": "safe",
    "annotator": "甲",
    "note": "注",
    "response": SAID,
    "dialogue": "d1",
}
GRADED = {
    "prompt": "问题甲？",
    "response": SAID,
    "level": "safe",
    "dimension": "家",
    "annotator": "甲",
    "model": "m",
}
TRAINED = {
    "dimension": "*",
    "prompt": "问题甲？",
    "response": SAID,
    "level": "safe",
    "model": "m",
    "source": "s",
}
KINDS: Mapping[str, RowKind] = {
    "flames": RowKind(
        read=data("flames"),
        rows=(FLAMES,),
        changed={
            "id": "x2",
            "dimension": "Legality",
            "subcomponent": "Toxic language",
            "prompt": "另一题？",
            "expect": "answer",
        },
    ),
    "cvalues-safety": RowKind(
        read=data("cvalues-safety"),
        rows=(QUESTION | {"category": "甲"},),
        changed={"id": "x2", "prompt": "另一题？", "category": "乙", "expect": "answer"},
    ),
    "cvalues-responsibility": RowKind(
        read=data("cvalues-responsibility"),
        rows=(QUESTION | {"domain_en": "law"},),
        changed={"id": "x2", "prompt": "另一题？", "domain_en": "psychology", "expect": "answer"},
    ),
    "cvalues-choice": RowKind(
        read=data("cvalues-choice"),
        rows=(CHOICE | {"domain_en": "law"},),
        changed={
            "id": "x2",
            "question": "另选？",
            "positive": "更好的",
            "negative": "更坏的",
            "difficulty_level": "hard",
            "domain_en": "psychology",
        },
    ),
    "sc-safety": RowKind(
        read=data("sc-safety"),
        rows=(MULTI,),
        changed={
            "id": "x2",
            "ability": "指令攻击",
            "dimension": "别的",
            "question": "另一题？",
            "follow_up": "别的追问？",
            "expect": "answer",
        },
    ),
    "replay": RowKind(
        read=replay,
        rows=(
            ANSWER,
            {"prompt": "问题甲？", "responses": [SAID, "再答"]},
            {"id": "i1", "response": SAID, "reasoning": "先想"},
        ),
        changed={
            "id": "i9",
            "prompt": "",
            "response": "别的",
            "responses": ["别的"],
            "reasoning": "再想",
            "reasoning_content": "另想",
            "trial": 2,
            "finish_reason": "length",
            "reply_status": "filtered",
            "detail": "被拦截",
        },
    ),
    "labels": RowKind(
        read=labels,
        elsewhere=frozenset({"model"}),
        rows=(LABEL, {"prompt": "问题甲？", "level": "safe"}),
        changed={
            "id": "i2",
            "prompt": "问题二？",
            "turn": 2,
            "trial": 2,
            "level": "unsafe",
            "annotator": "乙",
            "note": "另注",
            "response": "别的",
            "response_sha256": text_digest("别的"),
            "dialogue": "d2",
        },
    ),
    "labels of a model's answers": RowKind(
        read=lambda path: labels(path, "openai:m"),
        rows=(LABEL,),
        changed={
            "id": "i2",
            "turn": 2,
            "trial": 2,
            "level": "unsafe",
            "annotator": "乙",
            "note": "另注",
            "response": "别的",
            "response_sha256": text_digest("别的"),
            "dialogue": "d2",
            "model": "someone",
        },
    ),
    "graded answers of a labelled file": RowKind(
        read=graded,
        rows=(GRADED,),
        changed={
            "prompt": "另一题？",
            "response": "别的",
            "level": "unsafe",
            "dimension": "邻",
            "annotator": "乙",
            "model": "n",
            "reference": "参考",
        },
    ),
    "answers that a scorer learns from": RowKind(
        read=lambda path: read_labels(path)[0],
        rows=(TRAINED,),
        changed={
            "dimension": "别的",
            "prompt": "另一题？",
            "response": "别的",
            "level": "unsafe",
            "model": "n",
            "source": "t",
        },
    ),
}
CASES = [(kind, field) for kind, one in KINDS.items() for field in one.changed]


class AskedCells(dict[str, object]):
    """A row's cells that remember which fields were asked for."""

    asked: set[str]

    def get(self, key: str, default: object = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> object:
        self.asked.add(key)
        return super().__getitem__(key)


@pytest.fixture
def read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[RowKind, Mapping[str, object]], object]:
    """What a reader makes of one row, or the error that it states."""
    monkeypatch.chdir(tmp_path)

    def one(kind: RowKind, row: Mapping[str, object]) -> object:
        (tmp_path / "rows.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            return kind.read("rows.jsonl")
        except DataError as error:
            return str(error)

    return one


@pytest.mark.parametrize("name", KINDS)
def test_every_field_that_a_reader_asks_for_has_an_entry(
    name: str, read: Callable[[RowKind, Mapping[str, object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def row(*, file: str, number: int, values: Mapping[str, object]) -> Row:
        kept = AskedCells(values)
        kept.asked = asked
        return Row(file=file, number=number, values=kept)

    monkeypatch.setattr(files, "Row", row)
    for one in KINDS[name].rows:
        assert not isinstance(read(KINDS[name], one), str), "a row that the reader takes"
    assert asked - ALIASES - KINDS[name].elsewhere <= set(KINDS[name].changed)
    assert asked, "the readers' rows come from elsewhere: record what is asked of them there"


@pytest.mark.parametrize(("name", "field"), CASES)
def test_a_field_changes_what_comes_of_its_row(
    name: str, field: str, read: Callable[[RowKind, Mapping[str, object]], object]
) -> None:
    kind = KINDS[name]
    row = next((one for one in kind.rows if field in one), kind.rows[0])
    assert read(kind, row) != read(kind, {**row, field: kind.changed[field]})
