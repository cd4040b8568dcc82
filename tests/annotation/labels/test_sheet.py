"""The sheet for people without a browser: blind, no formula, errors that name the cell, stored once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook

from liangxin.annotation.labels.incoming import preview, store_file
from liangxin.annotation.labels.sheet_writing import ABOUT, GUIDELINE, SHEET, headings, write_sheet
from liangxin.annotation.labels.storing import Stored
from liangxin.annotation.labels.uploads import HandedIn
from liangxin.annotation.labels.workbook_check import check_book
from liangxin.annotation.outcome.verdicts import labelled_answers
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.errors import NotAllowed, PeopleError
from liangxin.records import Item, Reply
from liangxin.store import Database
from testbench.books import zipped
from testbench.desk import Desk, stored_run

FLAMES, EXPERT = open_benchmark("flames"), open_benchmark("cvalues-responsibility")


def answered(item: Item, turn: int) -> Reply:
    return Reply(text=f"=cmd {item.id} 第 {turn} 轮\x07回答")


@pytest.fixture
def desk(people_database: Database) -> Desk:
    found = [
        Item(id=f"f{one}", turns=(f"@问题{one}",), category=("Fairness", "Toxic language"))
        for one in range(3)
    ]
    for name in ("秘甲", "秘乙"):
        stored_run(people_database, FLAMES, found, answered, name)
    return Desk.at(people_database, ProjectSpec(name="表", runs=("秘甲", "秘乙"), annotators=2))


@pytest.fixture
def expert(people_database: Database) -> Desk:
    found = [Item(id=f"e{one}", turns=(f"问题{one}",), category=("law",)) for one in range(2)]
    for name in ("丙", "丁"):
        stored_run(people_database, EXPERT, found, answered, name)
    return Desk.at(people_database, ProjectSpec(name="专家", runs=("丙", "丁"), kind="expert"), people=1)


def filled(desk: Desk, change: Callable[[Any, dict[str, int]], None]) -> HandedIn:
    book = load_workbook(io.BytesIO(write_sheet(desk.database, desk.project, desk.people[0])))
    columns = {name: at for at, name in enumerate(headings(desk.project), start=1)}
    change(book[SHEET], columns)
    stream = io.BytesIO()
    book.save(stream)
    return HandedIn("表.xlsx", stream.getvalue())


def every(level: object) -> Callable[[Any, dict[str, int]], None]:
    def change(sheet: Any, columns: dict[str, int]) -> None:
        for row in range(2, sheet.max_row + 1):
            sheet.cell(row, columns["level"]).value = level

    return change


def test_the_sheet_is_blind_and_safe(desk: Desk) -> None:
    content = write_sheet(desk.database, desk.project, desk.people[0])
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == [SHEET, GUIDELINE, ABOUT]
    sheet = book[SHEET]
    assert sheet.max_row == 1 + 3 * 2
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].hidden
    assert [one.formula1 for one in sheet.data_validations.dataValidation] == ['"1,2,3"']
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    text = "\n".join(str(cell.value) for cell in cells)
    assert "秘甲" not in text
    assert "秘乙" not in text
    assert "=cmd" in text


@pytest.mark.parametrize("written", [3, 3.0, "3.0", " 3 "])
def test_a_level_that_is_a_whole_number_is_read_however_it_is_written(desk: Desk, written: object) -> None:
    store_file(desk.database, desk.project, filled(desk, every(written)), desk.people[0])
    with desk.database.begin() as connection:
        levels = [dict(one.levels) for one in labelled_answers(connection, desk.project.key)]
    assert levels == [{desk.people[0].key: "3"}] * 6


def test_a_filled_sheet_is_stored_once_and_corrected_by_versions(desk: Desk) -> None:
    file = filled(desk, every("3"))
    said = preview(desk.database, desk.project, file, desk.people[0])
    assert said.changes == {"new": 3, "corrected": 0, "same": 0}
    assert store_file(desk.database, desk.project, file, desk.people[0]) == Stored(new=3)
    assert store_file(desk.database, desk.project, file, desk.people[0]) == Stored(same=3)
    with desk.database.begin() as connection:
        levels = [dict(one.levels) for one in labelled_answers(connection, desk.project.key)]
    assert levels == [{desk.people[0].key: "3"}] * 6

    def worse(sheet: Any, columns: dict[str, int]) -> None:
        assert sheet.cell(2, columns["level"]).value == "3", "a sheet shows what was stored"
        sheet.cell(2, columns["level"]).value = 1
        sheet.cell(3, columns["comment"]).value = "再想了想"

    assert store_file(desk.database, desk.project, filled(desk, worse), desk.owner) == Stored(
        corrected=1, same=2
    )


def test_each_wrong_cell_is_named_and_nothing_is_stored(desk: Desk) -> None:
    def wrong(sheet: Any, columns: dict[str, int]) -> None:
        every("3")(sheet, columns)
        sheet.cell(2, columns["level"]).value = "5"
        sheet.cell(5, columns["level"]).value = None
        sheet.cell(6, columns["key"]).value = "9:9:9"

    with pytest.raises(PeopleError) as found:
        store_file(desk.database, desk.project, filled(desk, wrong), desk.people[0])
    said = str(found.value)
    assert "sheet 标注, cell H2: level '5': expected one of 1, 2, 3" in said
    assert "cell H5: empty" in said
    assert "cell A6" in said
    with desk.database.begin() as connection:
        assert list(labelled_answers(connection, desk.project.key)) == []


def test_a_blank_task_is_left_and_a_skip_needs_no_level(desk: Desk) -> None:
    def some(sheet: Any, columns: dict[str, int]) -> None:
        sheet.cell(2, columns["skip"]).value = "看不懂"

    file = filled(desk, some)
    said = preview(desk.database, desk.project, file, desk.people[0])
    assert (said.changes["new"], said.blank) == (1, 2)
    assert store_file(desk.database, desk.project, file, desk.people[0]) == Stored(new=1)


def test_another_persons_sheet_is_refused(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        preview(desk.database, desk.project, filled(desk, every("3")), desk.people[1])


def test_work_done_elsewhere_counts_though_the_assignments_are_gone(desk: Desk) -> None:
    file = filled(desk, every("3"))
    desk.says(1, "f0", "1")
    desk.says(2, "f0", "1")
    assert store_file(desk.database, desk.project, file, desk.people[0]) == Stored(new=3)


def test_an_experts_sheet(expert: Desk) -> None:
    def choose(sheet: Any, columns: dict[str, int]) -> None:
        sheet.cell(2, columns["level"]).value = 9
        sheet.cell(4, columns["none_good"]).value = "是"
        sheet.cell(4, columns["own_answer"]).value = "我会这样答。"

    file = filled(expert, choose)
    assert store_file(expert.database, expert.project, file, expert.people[0]) == Stored(new=2)
    assert store_file(expert.database, expert.project, file, expert.people[0]) == Stored(same=2)
    again = filled(expert, lambda sheet, columns: None)
    assert store_file(expert.database, expert.project, again, expert.people[0]) == Stored(same=2)

    def both(sheet: Any, columns: dict[str, int]) -> None:
        sheet.cell(2, columns["none_good"]).value = "是"

    with pytest.raises(PeopleError, match="not both"):
        preview(expert.database, expert.project, filled(expert, both), expert.owner)


@pytest.mark.parametrize(
    "text",
    [
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/hostname'><a/>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_book_with_entities_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(PeopleError, match="document type"):
        check_book(zipped({"xl/workbook.xml": text.encode(encoding)}))


def test_a_zip_bomb_is_refused() -> None:
    with pytest.raises(PeopleError, match="too large"):
        check_book(zipped({f"xl/{one}.bin": bytes(80 << 20) for one in range(4)}))
    with pytest.raises(PeopleError, match="20 MB"):
        check_book(bytes(21 << 20))
