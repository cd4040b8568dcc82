"""Files that users have, through the commands: what goes out comes back, what is wrong is one sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pytest
from openpyxl import load_workbook

from liangxin.files import read_rows

CASES = Path(__file__).parent.parent / "files" / "cases"
ANSWERS = (
    "=cmd|' /C calc'!A0",
    "- 第一\n- 第二",
    "+1",
    "@某人",
    "一\r二",
    "\r\n开头",
    "长" * 40_000,
    "'=1+1",
    "12315",
    "007",
    "_x000D_",
)
"""By item: a formula, a list, a bare CR, what fits no cell, what looks guarded, numbers, an escape."""


@pytest.fixture
def asked(write: Callable[..., str], cli: Callable[..., Any]) -> Callable[..., Any]:
    """A run `r` of recorded answers, ruled on by `rule`."""
    data = [
        {"id": f"f{n}", "dimension": "Fairness", "subcomponent": "Toxic language", "prompt": f"={n} 的提问"}
        for n in range(len(ANSWERS))
    ]
    recorded = [{"id": f"f{n}", "response": one} for n, one in enumerate(ANSWERS)]
    write("data.jsonl", data)
    write("answers.jsonl", recorded)
    done = cli(
        "run",
        "flames",
        "--data",
        "data.jsonl",
        "--model",
        "replay:answers.jsonl",
        "--judge",
        "rule",
        "--name",
        "r",
    )
    assert done.status == 0, done.err
    return cli


def filled(folder: Path, form: str) -> Path:
    """The sheet with a level in every row, as a person's table program hands it back."""
    place = folder / f"read.{form}"
    if form == "xlsx":
        book = load_workbook(place)
        sheet = book.worksheets[0]
        (at,) = [cell.column for cell in sheet[1] if cell.value == "level"]
        for row in range(2, sheet.max_row + 1):
            sheet.cell(row, at).value = 3
        book.save(place)
        return place
    if form == "csv":
        with place.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = list(csv.reader(stream))
        with place.open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows([header, *[[*row[:-1], "3"] for row in rows]])
        return place
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    place.write_text("".join(json.dumps({**one, "level": "3"}) + "\n" for one in lines), encoding="utf-8")
    return place


@pytest.mark.parametrize("form", ["jsonl", "csv", "xlsx"])
def test_every_label_of_a_sheet_finds_its_answer(folder: Path, asked: Callable[..., Any], form: str) -> None:
    drawn = asked("sample", "r", "--judge", "rule", "--for-labels", "99", "--output", f"read.{form}")
    assert f"{len(ANSWERS)} answers written to read.{form}" in drawn.err
    done = asked("judge", "r", "--judge", f"labels:{filled(folder, form)}", "--format", "json")
    assert done.status == 0, done.err
    (judge,) = [one for one in done.json["judges"] if one["judge"].startswith("labels")]
    assert judge["verdicts"] == {"given": len(ANSWERS)}
    assert "unmatched" not in done.err


def test_a_label_for_a_text_that_the_table_program_cut_finds_its_answer(
    folder: Path, asked: Callable[..., Any]
) -> None:
    """Excel keeps 32,767 characters of a cell of csv; the dialogue says which answer it was."""
    asked("sample", "r", "--judge", "rule", "--for-labels", "99", "--output", "read.csv")
    place = filled(folder, "csv")
    with place.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["response"] = row["response"][:32_767]
    other = {**next(row for row in rows if len(row["response"]) > 30_000), "annotator": "乙"}
    other["response"] = "别" + other["response"][1:]
    with place.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "annotator"])
        writer.writeheader()
        writer.writerows([*rows, other])
    done = asked("judge", "r", "--judge", "labels:read.csv", "--format", "json")
    assert done.status == 0, done.err
    verdicts = [one["verdicts"] for one in done.json["judges"] if one["judge"].startswith("labels")]
    assert sum(one.get("given", 0) for one in verdicts) == len(ANSWERS)
    assert "1 labels unmatched and not used (1 were given for another answer" in done.err


@pytest.mark.parametrize("form", ["jsonl", "csv", "xlsx", "parquet"])
def test_an_exported_run_comes_back_and_holds_no_formula(
    folder: Path, asked: Callable[..., Any], form: str
) -> None:
    assert asked("export", "r", "--output", f"run.{form}").status == 0
    rows = list(read_rows(str(folder / f"run.{form}")))
    found = {str(row.values["item"]): str(row.values["response"]) for row in rows}
    wanted = {f"f{n}": one for n, one in enumerate(ANSWERS)}
    cut = found.pop("f6"), wanted.pop("f6")
    assert found == wanted
    assert cut[0][:32_000] == cut[1][:32_000]
    assert (cut[0] == cut[1]) is (form != "xlsx")
    if form == "csv":
        with (folder / "run.csv").open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@＝＋－＠\t\r\n")]
    elif form == "xlsx":
        sheet = load_workbook(folder / "run.xlsx").worksheets[0]
        assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    elif form == "parquet":
        assert polars.read_parquet(folder / "run.parquet").height == len(rows)


def test_a_category_is_no_formula_in_the_scores(folder: Path, cli: Callable[..., Any]) -> None:
    rows = [{"id": str(n), "prompt": f"问{n}", "domain_en": "=1+1"} for n in range(3)]
    (folder / "d.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"id": one["id"], "response": "好"}) + "\n" for one in rows)
    )
    command = (
        "run",
        "cvalues-responsibility",
        "--data",
        "d.jsonl",
        "--model",
        "replay:a.jsonl",
        "--judge",
        "rule",
    )
    assert cli(*command, "--name", "r").status == 0
    printed = list(csv.DictReader(cli("scores", "r", "--format", "csv").out.splitlines()))
    assert "'=1+1" in {row["group"] for row in printed}


def test_answers_that_are_numbers_are_taken_as_their_text(folder: Path, asked: Callable[..., Any]) -> None:
    """As a table program stores an answer of digits, and as the case of labels has it."""
    asked("sample", "r", "--judge", "rule", "--for-labels", "99", "--output", "read.xlsx")
    place = filled(folder, "xlsx")
    book = load_workbook(place)
    (cell,) = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value == "12315"]
    cell.value = 12315
    assert cell.data_type == "n"
    book.save(place)
    done = asked("judge", "r", "--judge", "labels:read.xlsx", "--format", "json")
    (judge,) = [one for one in done.json["judges"] if one["judge"].startswith("labels")]
    assert judge["verdicts"] == {"given": len(ANSWERS)}
    case = CASES / "numeric-answer-cell" / "labels.xlsx"
    done = asked(
        "run", "sc-safety", "--model", "replay:answers.jsonl", "--judge", f"labels:{case}", "--limit", "1"
    )
    assert "response" not in done.err


@pytest.mark.parametrize("name", ["followup.xlsx", "answers.xlsx"])
def test_a_formula_without_a_value_stops_with_one_sentence(cli: Callable[..., Any], name: str) -> None:
    place = CASES / "formula-without-value" / name
    words = (
        ("check", "sc-safety", "--data", str(place))
        if name == "followup.xlsx"
        else ("run", "flames", "--model", f"replay:{place}", "--judge", "none")
    )
    done = cli(*words)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "found a formula without a stored value" in done.err


def test_a_field_that_nothing_reads_is_said_on_standard_error(folder: Path, cli: Callable[..., Any]) -> None:
    row = {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": "问", "system": "你是助手"}
    (folder / "d.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    done = cli("check", "flames", "--data", "d.jsonl")
    assert done.status == 0
    assert done.err == 'd.jsonl: nothing reads the fields "system"; what they say changes nothing\n'


def test_of_answers_and_labels_too(asked: Callable[..., Any], folder: Path) -> None:
    """What our own sheets hold for whoever reads them is no matter; a name that nobody knows is said."""
    said = "nothing reads the fields"
    done = asked("sample", "r", "--for-labels", "2", "--output", "sheet.jsonl")
    assert done.status == 0
    sheet = [json.loads(line) for line in (folder / "sheet.jsonl").read_text(encoding="utf-8").splitlines()]
    for name, beside in (("plain", {}), ("slip", {"anotator": "甲"})):
        rows = ({**row, "level": "3", **beside} for row in sheet)
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
        )
    assert said not in asked("judge", "r", "--judge", "labels:plain.jsonl").err
    assert f'slip.jsonl: {said} "anotator"' in asked("judge", "r", "--judge", "labels:slip.jsonl").err
    again = {"id": "f1", "response": "好", "dimension": "Fairness", "finnish_reason": "stop"}
    (folder / "again.jsonl").write_text(json.dumps(again) + "\n", encoding="utf-8")
    words = ("run", "flames", "--data", "data.jsonl", "--model", "replay:again.jsonl", "--judge", "none")
    assert f'again.jsonl: {said} "finnish_reason"' in asked(*words).err
