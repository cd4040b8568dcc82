"""Labels out and back in: the same scores, every row bound, nothing half-stored."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import func, select

from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.labels.incoming import preview, store_file
from liangxin.annotation.labels.label_studio import config_xml, read_export, tasks_json
from liangxin.annotation.labels.rows import label_rows
from liangxin.annotation.labels.storing import Stored
from liangxin.annotation.labels.uploads import HandedIn, drop, keep, kept
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.engine.run import judge_run
from liangxin.engine.session import Session
from liangxin.engine.stored import stored_result
from liangxin.errors import NotAllowed, NotThere, PeopleError
from liangxin.files import read_rows
from liangxin.files.guards import quoted, unquoted
from liangxin.files.writing import FORMATS, Format, write_rows
from liangxin.people.accounts import Accounts
from liangxin.records import Item, Reply
from liangxin.specs import RunSpec
from liangxin.store import Database
from liangxin.store.people import RESPONSES
from testbench.books import blanks_xml, book_of, styles_xml
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")


def items(count: int) -> list[Item]:
    return [
        Item(id=f"f{number}", turns=(f"=问题{number}",), category=("Fairness", "Toxic language"))
        for number in range(count)
    ]


def answered(item: Item, turn: int) -> Reply:
    return Reply(text=f"=1+1 {item.id} 的第 {turn} 轮回答。\n先听 😀 双方怎么说。")


@pytest.fixture
def desk(people_database: Database) -> Desk:
    stored_run(people_database, FLAMES, items(4), answered, "甲")
    made = Desk.at(people_database, ProjectSpec(name="盲评", runs=("甲",), annotators=3))
    for person, levels in enumerate((("3", "1", "3"), ("3", "1", "2"), ("1", "1", "2"))):
        for number, level in enumerate(levels):
            note = Submission(token="", levels={}, comment="=HYPERLINK(1)")
            made.says(person, f"f{number}", level, note)
    return made


def count(database: Database) -> int:
    with database.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(RESPONSES)).scalar_one())


def latest(desk: Desk, form: Format) -> bytes:
    return write_rows(label_rows(desk.database, desk.project, "latest"), form)


@pytest.mark.parametrize("form", FORMATS)
def test_an_exported_file_gives_the_projects_own_scores(desk: Desk, tmp_path: Path, form: Format) -> None:
    place = tmp_path / f"labels.{form}"
    place.write_bytes(latest(desk, form))
    run = desk.project.runs[0]
    session = Session(database=desk.database, tell=lambda _sentence: None)
    spec = RunSpec(benchmark="flames", model=run.model, judges=(f"labels:{place}",), name="甲")
    filed = judge_run(session, run, spec, FLAMES).judges[0].scores
    people = stored_result(desk.database, "甲", "people:盲评").judges[0].scores
    assert [(one.measure, one.group, one.value, one.n) for one in filed] == [
        (one.measure, one.group, one.value, one.n) for one in people
    ]
    assert any(one.n == 3 for one in filed)


def test_the_gold_labels_and_the_history(desk: Desk) -> None:
    gold = {row["id"]: (row["level"], row["how"]) for row in label_rows(desk.database, desk.project, "gold")}
    assert gold == {"f0": ("3", "majority"), "f1": ("1", "unanimous"), "f2": ("2", "majority")}
    desk.says(0, "f0", "1")
    rows = [row for row in label_rows(desk.database, desk.project, "history") if row["id"] == "f0"]
    mine = [(row["version"], row["level"]) for row in rows if row["annotator"] == desk.people[0].alias]
    assert mine == [(1, "3"), (2, "1")]


def test_ones_own_labels_name_no_model(desk: Desk) -> None:
    rows = list(label_rows(desk.database, desk.project, "latest", desk.people[0].key))
    assert len(rows) == 3
    assert all(row["annotator"] == desk.people[0].alias for row in rows)
    assert "甲" not in json.dumps(rows, ensure_ascii=False)


def test_no_cell_is_a_formula(desk: Desk, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    place = tmp_path / "labels.xlsx"
    place.write_bytes(latest(desk, "xlsx"))
    book = load_workbook(place)
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "=问题0" in {cell.value for cell in cells}
    text = latest(desk, "csv").decode("utf-8-sig")
    assert "'=问题0" in text
    assert ",=" not in text
    place = tmp_path / "labels.csv"
    place.write_bytes(latest(desk, "csv"))
    rows = list(read_rows(str(place)))
    assert {unquoted(str(row.values["note"])) for row in rows} == {"=HYPERLINK(1)"}


@given(st.text(max_size=30))
def test_a_quoted_cell_comes_back(text: str) -> None:
    assert unquoted(quoted(text)) == text
    assert not quoted(text).startswith(("=", "@", "\t"))


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_given_back_changes_nothing(desk: Desk, form: Format) -> None:
    before = count(desk.database)
    file = HandedIn(f"盲评.{form}", latest(desk, form))
    said = preview(desk.database, desk.project, file, desk.owner)
    assert said.changes == {"new": 0, "corrected": 0, "same": 9}
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(same=9)
    assert count(desk.database) == before


def line(desk: Desk, item: str, level: str, **more: object) -> str:
    row = next(one for one in label_rows(desk.database, desk.project, "latest") if one["id"] == item)
    kept = {name: row[name] for name in ("id", "turn", "dialogue", "response_sha256")}
    return json.dumps({**kept, "level": level, **more}, ensure_ascii=False) + "\n"


def test_people_outside_get_a_closed_account_and_corrections_are_versions(desk: Desk) -> None:
    body = line(desk, "f0", "2", annotator="zhang@example.com", note="附件") + line(
        desk, "f1", "2", annotator="zhang@example.com"
    )
    file = HandedIn("外来.jsonl", body.encode())
    said = preview(desk.database, desk.project, file, desk.owner)
    assert said.changes == {"new": 2, "corrected": 0, "same": 0}
    assert [person.account for person in said.people] == [None]
    assert Accounts(desk.database).by_name("zhang at example.com") is None, "a preview stores nothing"
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(new=2)
    account = Accounts(desk.database).by_name("zhang at example.com")
    assert account is not None
    assert account.closed is not None
    assert not account.protected
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(same=2)
    changed = HandedIn("外来.jsonl", line(desk, "f0", "3", annotator="zhang@example.com").encode())
    assert store_file(desk.database, desk.project, changed, desk.owner) == Stored(corrected=1)
    rows = list(label_rows(desk.database, desk.project, "history", account.key))
    assert [(row["id"], row["version"], row["level"]) for row in rows] == [
        ("f0", 1, "2"),
        ("f0", 2, "3"),
        ("f1", 1, "2"),
    ]


def test_errors_are_said_together_and_nothing_is_stored(desk: Desk) -> None:
    before = count(desk.database)
    body = (
        line(desk, "f0", "9")
        + line(desk, "f1", "3")
        + '{"id": "f2", "level": "3"}\n'
        + '{"id": "nobody", "level": "3", "dialogue": "x"}\n'
    )
    with pytest.raises(PeopleError) as found:
        store_file(desk.database, desk.project, HandedIn("a.jsonl", body.encode()), desk.owner)
    said = str(found.value)
    assert "3 errors" in said
    assert "a.jsonl:1: level" in said
    assert "a.jsonl:3: response" in said
    assert "a.jsonl:4: id" in said
    assert count(desk.database) == before


def test_a_label_for_another_text_is_counted_and_not_used(desk: Desk) -> None:
    body = line(desk, "f0", "3", response_sha256="0" * 64) + line(
        desk, "f1", "3", dialogue="0123456789abcdef"
    )
    said = preview(desk.database, desk.project, HandedIn("a.jsonl", body.encode()), desk.owner)
    assert (said.unmatched, said.changes["new"]) == (2, 0)


def test_a_member_hands_in_sheets_only(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        preview(
            desk.database, desk.project, HandedIn("a.jsonl", line(desk, "f0", "3").encode()), desk.people[0]
        )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b"PK\x03\x04nothing"),
        ("a.xlsx", b""),
        ("a.csv", b"\x1f\x8b\x08"),
        ("a.exe", b"MZ"),
        ("a.json", b"{}"),
        ("a.jsonl", b""),
    ],
)
def test_what_is_no_file_of_labels_is_refused(desk: Desk, name: str, content: bytes) -> None:
    with pytest.raises(PeopleError):
        preview(desk.database, desk.project, HandedIn(name, content), desk.owner)


def test_label_studio_there_and_back(desk: Desk) -> None:
    tasks = json.loads(tasks_json(desk.database, desk.project))
    assert len(tasks) == 4
    assert "甲" not in json.dumps(tasks, ensure_ascii=False)
    assert 'alias="3"' in config_xml(desk.database, desk.project).decode()
    answer = tasks[3]["data"]["answer"]
    start = answer.index("双方")
    units = len(answer[:start].encode("utf-16-le")) // 2
    result = [
        {"type": "choices", "from_name": "level", "to_name": "answer", "value": {"choices": ["2"]}},
        {"type": "textarea", "from_name": "comment", "to_name": "answer", "value": {"text": ["说得清楚"]}},
        {
            "type": "labels",
            "from_name": "evidence",
            "to_name": "answer",
            "value": {"start": units, "end": units + 2, "text": "双方", "labels": ["依据 evidence"]},
        },
    ]
    result[1]["value"] = {"text": ["说得清楚"]}
    exported = [
        {"id": 7, "data": tasks[3]["data"], "annotations": [
            {"completed_by": {"id": 1, "email": "a@b.cn"}, "result": result, "was_cancelled": False},
            {"completed_by": 2, "result": [], "was_cancelled": True},
        ]},
        {"id": 8, "data": tasks[2]["data"], "annotations": [
            {"completed_by": 5, "result": [{"type": "rating", "value": {"rating": 3}}], "was_cancelled": False}]},
    ]  # fmt: skip
    file = HandedIn("project-1.json", json.dumps(exported).encode())
    said = preview(desk.database, desk.project, file, desk.owner)
    assert (said.kind, said.changes["new"], said.skipped) == ("label_studio", 2, 1)
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(new=2)
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(same=2)
    with desk.database.begin() as connection:
        last = (
            connection.execute(select(RESPONSES.c.content).order_by(RESPONSES.c.key.desc()).limit(2))
            .scalars()
            .all()
        )
    contents = [json.loads(one) for one in last]
    marked = next(one for one in contents if one["spans"])
    assert marked["comment"] == "说得清楚"
    span = marked["spans"][0]
    assert answer[span["start"] : span["end"]] == "双方"


def test_label_studios_small_form(desk: Desk) -> None:
    data = json.loads(tasks_json(desk.database, desk.project))[3]["data"]
    minimal = [{**data, "id": 99, "level": "1", "comment": "好", "annotator": 4, "annotation_id": 5}]
    file = HandedIn("min.json", json.dumps(minimal).encode())
    assert store_file(desk.database, desk.project, file, desk.owner) == Stored(new=1)
    wrong = [{**data, "level": {"choices": ["1", "2"]}}]
    with pytest.raises(PeopleError, match="task 1: level: found"):
        preview(desk.database, desk.project, HandedIn("min.json", json.dumps(wrong).encode()), desk.owner)


def test_an_upload_is_its_owners_and_goes(desk: Desk) -> None:
    mine = desk.owner.key
    token = keep(desk.database, desk.project.key, mine, HandedIn("a.csv", b"\x00\xff"))
    assert kept(desk.database, desk.project.key, mine, token) == ("a.csv", b"\x00\xff")
    with pytest.raises(NotThere):
        kept(desk.database, desk.project.key, desk.people[0].key, token)
    drop(desk.database, token)
    with pytest.raises(NotThere):
        kept(desk.database, desk.project.key, mine, token)


def test_a_skipped_annotation_may_have_no_result(desk: Desk) -> None:
    content = (Path(__file__).parents[2] / "files/cases/label-studio-null-result/export.json").read_bytes()
    export = read_export("export.json", content, {})
    assert (export.rows, export.cancelled, export.empty) == ((), 1, 0)
    data = json.loads(tasks_json(desk.database, desk.project))[3]["data"]
    result = [{"type": "choices", "value": {"choices": ["2"]}}]
    tasks = [
        {
            "data": data,
            "annotations": [{"completed_by": 5, "result": result}, {"completed_by": 6, "result": None}],
        }
    ]
    said = preview(desk.database, desk.project, HandedIn("e.json", json.dumps(tasks).encode()), desk.owner)
    assert (said.changes["new"], said.skipped) == (1, 1)


def test_a_key_given_twice_in_an_export_is_an_error(desk: Desk) -> None:
    content = b'[{"data": {"item": "a", "item": "b"}, "annotations": []}]'
    with pytest.raises(PeopleError, match="expected a list of tasks"):
        preview(desk.database, desk.project, HandedIn("e.json", content), desk.owner)


def test_which_sheet_was_read_is_said_before_it_is_stored(desk: Desk) -> None:
    book = load_workbook(io.BytesIO(latest(desk, "xlsx")))
    book.create_sheet("封面", 0).append(["标注"])
    stream = io.BytesIO()
    book.save(stream)
    said = preview(desk.database, desk.project, HandedIn("标注.xlsx", stream.getvalue()), desk.owner)
    assert said.changes == {"new": 0, "corrected": 0, "same": 9}
    assert said.notices == (
        '标注.xlsx: read the sheet "rows" alone; not read: "封面" (to have another one read, put it first or save it alone)',
    )


def test_a_small_upload_of_many_cells_is_bounded(desk: Desk) -> None:
    file = HandedIn("空.xlsx", book_of({"S": blanks_xml(1_000)}))
    assert len(file.content) < 13_000
    with pytest.raises(PeopleError, match=r"空\.xlsx: the file is empty"):
        preview(desk.database, desk.project, file, desk.owner)
    more = HandedIn("空.xlsx", book_of({"S": blanks_xml(1)}, {"xl/styles.xml": styles_xml(70_000)}))
    with pytest.raises(PeopleError, match=r"空\.xlsx: the workbook has more than 65,536 cell formats"):
        preview(desk.database, desk.project, more, desk.owner)
