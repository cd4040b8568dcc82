"""A cell means the same whichever file it stands in: whole numbers, ids, answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook

from liangxin import cells
from liangxin.analysis.labelled import read_labelled
from liangxin.annotation.labels.label_studio import read_export
from liangxin.annotation.labels.reading import FileErrors
from liangxin.benchmarks import open_benchmark
from liangxin.benchmarks.declared import declared
from liangxin.errors import DataError
from liangxin.files import read_rows
from liangxin.judges.base import JudgeContext
from liangxin.judges.label_rows import LabelReader, digests
from liangxin.models import model_traits
from liangxin.models.recorded.replay import ReplayModel
from liangxin.records import Item, Row
from liangxin.scorer.rows import read_labels
from liangxin.specs import Benchmark

SAFETY = open_benchmark("sc-safety")
DIALOGUE = "d" * 16
CHOICE = """\
name = "mine"
kind = "choice"
title = {zh = "我的", en = "mine"}
[data]
file = "mine.jsonl"
[choice]
answer = "index from 1"
[fields]
id = "id"
question = "question"
options = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
answer = "answer"
[card]
citation = "none"
overview = "一"
task = "一"
data = "一"
scoring = "一"
limits = "一"
"""
NOT_WHOLE = st.sampled_from(
    [1.5, "1.5", True, "true", "one", "一", 0, -1, "1e0", "1,0", 10**12, [1], {"n": 1}]
)


def written(number: int) -> st.SearchStrategy[object]:
    """The ways in which spreadsheets and programs write a whole number."""
    forms = (number, float(number), str(number), f" {number} ", f"{number}.0", f"\t{number}.00\n")
    return st.sampled_from(forms)


WHOLE = st.integers(1, 9).flatmap(lambda number: st.tuples(st.just(number), written(number)))


def context(*ids: str) -> JudgeContext:
    return JudgeContext(
        benchmark=SAFETY,
        run_model="replay:answers.jsonl",
        run_traits=model_traits("replay:answers.jsonl"),
        item_ids=frozenset(ids),
        item_prompts={"问": ids[0]},
        item_categories=dict.fromkeys(ids, ("Traditional Safety",)),
    )


@pytest.fixture(scope="module")
def mine() -> Benchmark:
    return declared(CHOICE, "mine.toml", ".")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`lines(row, …)`: a file of JSON lines, each time the same one."""
    path = tmp_path_factory.mktemp("cells") / "rows.jsonl"

    def write(*rows: dict[str, object]) -> str:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    return write


def row(**values: object) -> Row:
    return Row(file="rows.jsonl", number=1, values=values)


def asked(**values: object) -> Row:
    options = {letter: f"选项{letter}" for letter in "abcdefghi"}
    return row(**({"id": "q", "question": "问", "answer": 1} | options | values))


def exported(turn: object) -> bytes:
    return json.dumps([{"item": "q", "dialogue": DIALOGUE, "turn": turn, "level": "1"}]).encode()


@given(WHOLE)
@example((1, " 1 "))
@example((1, "1.0"))
def test_a_whole_number_is_the_same_in_every_file(
    mine: Benchmark, lines: Callable[..., str], case: tuple[int, object]
) -> None:
    number, cell = case
    label = LabelReader(context("q")).read(row(id="q", level=1, turn=cell, trial=cell))
    assert (label.turn, label.trial) == (number, number)
    model = ReplayModel(lines({"id": "q", "response": "答", "trial": cell}))
    item = Item(id="q", turns=("问",), category=())
    assert [model.recorded(item, 1, trial).text for trial in (number, number + 1)] == ["答", ""]
    (read,) = mine.read(asked(answer=cell))
    assert read.answer == "ABCDEFGHI"[number - 1]
    export = read_export("export.json", exported(cell), {})
    assert [one.values["turn"] for one in export.rows] == [number]
    rows = [{"prompt": "问", "response": f"{n}", "level": n} for n in range(1, 10)]
    found, heads = read_labels(lines(*rows, {"prompt": "问", "response": "答", "level": cell}))
    assert heads[0].levels == tuple("123456789")
    assert found[-1].level == str(number)


@given(NOT_WHOLE)
def test_what_is_no_whole_number_is_refused_with_the_rows_sentence(
    mine: Benchmark, lines: Callable[..., str], cell: object
) -> None:
    reader, item = LabelReader(context("q")), {"id": "q", "response": "答"}
    refused: dict[str, Callable[[], object]] = {
        "turn": lambda: reader.read(row(**item, level=1, turn=cell)),
        "trial": lambda: ReplayModel(lines({**item, "trial": cell})),
        "answer": lambda: mine.read(asked(answer=cell)),
        "data.turn": lambda: read_export("export.json", exported(cell), {}),
    }
    for name, read in refused.items():
        with pytest.raises(
            (DataError, FileErrors), match=rf"{name}: found .*, expected a whole number from 1"
        ):
            read()


NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers(-(10**15), 10**15)
)


@given(NAMES)
@example(7)
@example(7.0)
@example(" 07 ")
@example("1.0")
def test_an_id_is_the_same_in_every_file(
    mine: Benchmark, lines: Callable[..., str], cell: str | float
) -> None:
    name = str(int(cell) if isinstance(cell, float) else cell).strip()
    if not name:
        return
    (read,) = mine.read(asked(id=cell))
    assert read.id == name
    assert cells.own_id(row(id=cell)) == name
    assert LabelReader(context("other", name)).read(row(id=cell, level=1)).item == name
    model = ReplayModel(lines({"id": cell, "response": "答"}))
    assert model.recorded(read, 1, 1).text == "答"


@given(st.sampled_from([1.5, True, ["q"], {"id": "q"}]))
def test_no_file_takes_a_fraction_or_a_truth_for_an_id(
    mine: Benchmark, lines: Callable[..., str], cell: object
) -> None:
    with pytest.raises(DataError, match=r"id: found .*, expected a text or a whole number"):
        mine.read(asked(id=cell))
    with pytest.raises(DataError, match=r"id: found .*, expected a text or a whole number"):
        ReplayModel(lines({"id": cell, "response": "答"}))
    with pytest.raises(DataError, match=r"id: found .*, expected the id of an item of sc-safety"):
        LabelReader(context("q", "1.5", "True")).read(row(id=cell, level=1))


def test_an_answer_that_is_a_number_in_a_workbook_is_its_text_in_every_file(tmp_path: Path) -> None:
    book, path = Workbook(), str(tmp_path / "answers.xlsx")
    assert book.active is not None
    book.active.append(["id", "prompt", "response", "level"])
    book.active.append(["q", "问", 42, 1])
    book.active.append(["r", "再问", 0.5, 2])
    book.save(path)
    model = ReplayModel(path)
    given = [model.recorded(Item(id=one, turns=("",), category=()), 1, 1).text for one in ("q", "r")]
    assert given == ["42", "0.5"]
    reader = LabelReader(context("q", "r"))
    labels = [reader.read(one) for one in read_rows(path)]
    assert [one.response for one in labels] == [digests("42"), digests("0.5")]
    assert [one.response for one in read_labels(path)[0]] == ["42", "0.5"]
    assert [one.answer for one in read_labelled(path, SAFETY, "primary").cases] == ["42", "0.5"]
