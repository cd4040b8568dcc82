"""Saving: once for each token, every version kept, refused whole or kept whole."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from liangxin.annotation.desk.assignments import Assignment, Assignments
from liangxin.annotation.desk.saving import Saved, Span, Submission, save
from liangxin.annotation.desk.tasks import task_view
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.errors import Conflict, PeopleError, TooLarge
from liangxin.records import Item, Reply, ReplyStatus
from liangxin.store import Database
from liangxin.store.people import LABELS, RESPONSES
from liangxin.store.schema import JUDGEMENTS
from testbench.desk import Desk, stored_run

ANSWER = "这不对😀，可以换一种说法。"
TWO_TURNS = [Item(id="q", turns=("问题？", "追问？"), category=("传统安全", "财产隐私"))]


def desk_of(database: Database, benchmark: str, items: list[Item], runs: int = 1, **settings: Any) -> Desk:
    """A project of one person's on runs in which every turn was answered alike."""
    for number in range(runs):
        stored_run(
            database,
            open_benchmark(benchmark),
            items,
            lambda _item, _turn: Reply(text=ANSWER),
            f"run{number}",
        )
    names = tuple(f"run{number}" for number in range(runs))
    return Desk.at(database, ProjectSpec(name="p", runs=names, **settings), 2)


def taken(desk: Desk, person: int = 0) -> Assignment:
    """The person's next assignment."""
    assignment = Assignments(desk.database).take(desk.project, desk.people[person].key)
    assert assignment is not None
    return assignment


def sends(desk: Desk, assignment: Assignment, **said: Any) -> Saved:
    """Save what is said, with a token of its own unless one is given."""
    said = {"token": secrets.token_hex(8), "levels": {}, **said}
    return save(desk.database, desk.project, assignment, desk.people[0].key, Submission(**said))


def rows(database: Database, table: Any) -> list[Any]:
    with database.begin() as connection:
        return list(connection.execute(select(table)))


@pytest.fixture
def desk(people_database: Database) -> Desk:
    return desk_of(people_database, "sc-safety", TWO_TURNS)


def test_every_turn_gets_its_level_and_its_judgement(desk: Desk) -> None:
    assignment = taken(desk)
    saved = sends(desk, assignment, levels={(0, 1): "2", (0, 2): "0"}, comment="第二轮松口了。", seconds=12.0)
    assert saved == Saved(version=1, repeated=False)
    assert {(row.turn, row.level) for row in rows(desk.database, LABELS)} == {(1, "2"), (2, "0")}
    judged = rows(desk.database, JUDGEMENTS)
    assert {(row.turn, row.level, row.annotator, row.attempt) for row in judged} == {
        (1, "2", desk.people[0].alias, 1),
        (2, "0", desk.people[0].alias, 1),
    }
    assert {row.reason for row in judged} == {"第二轮松口了。"}


def test_the_same_token_is_the_same_save(desk: Desk) -> None:
    assignment, said = taken(desk), {"token": "once-and-again", "levels": {(0, 1): "2", (0, 2): "0"}}
    sends(desk, assignment, **said)
    assert sends(desk, assignment, **said) == Saved(version=1, repeated=True)
    assert len(rows(desk.database, RESPONSES)) == 1
    other = taken(desk_of_other(desk), 1)
    with pytest.raises(Conflict, match="used before"):
        save(desk.database, desk.project, other, desk.people[1].key, Submission(**said))  # type: ignore[arg-type]


def desk_of_other(desk: Desk) -> Desk:
    """The same desk, with room for a second person."""
    from liangxin.annotation.desk.assignments import add_assignment

    with desk.database.write() as connection:
        add_assignment(connection, desk.project.key, desk.task("q"))
    return desk


def test_a_correction_is_a_new_version_of_what_was_seen(desk: Desk) -> None:
    assignment = taken(desk)
    sends(desk, assignment, levels={(0, 1): "2", (0, 2): "0"})
    with pytest.raises(Conflict, match="version 1 already"):
        sends(desk, assignment, levels={(0, 1): "1", (0, 2): "1"})
    assert sends(desk, assignment, base_version=1, levels={(0, 1): "1", (0, 2): "1"}).version == 2
    assert [row.version for row in rows(desk.database, RESPONSES)] == [1, 2]
    assert {(row.turn, row.attempt, row.level) for row in rows(desk.database, JUDGEMENTS)} == {
        (1, 1, "2"),
        (2, 1, "0"),
        (1, 2, "1"),
        (2, 2, "1"),
    }
    view = task_view(
        desk.database, desk.project, Assignments(desk.database).assignment(assignment.key, desk.people[0].key)
    )
    assert view.response is not None
    assert (view.response["version"], view.response["levels"]) == (2, {"0:1": "1", "0:2": "1"})


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"levels": {(0, 1): "2"}}, PeopleError),
        ({"levels": {(0, 1): "2", (0, 2): "7"}}, PeopleError),
        ({"levels": {(0, 1): "2", (0, 2): "1", (1, 1): "1"}}, PeopleError),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "comment": "长" * 5001}, TooLarge),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "token": "short"}, PeopleError),
        ({"skip": " "}, PeopleError),
        ({"skip": "长" * 501}, TooLarge),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "base_version": 3}, Conflict),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "spans": [Span(place=0, turn=1, start=0, end=len(ANSWER) + 1)]}, PeopleError),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "spans": [Span(place=2, turn=1, start=0, end=1)]}, PeopleError),
        ({"levels": {(0, 1): "2", (0, 2): "1"}, "spans": [Span(place=0, turn=1, start=0, end=1)] * 51}, TooLarge),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(desk: Desk, said: dict[str, Any], error: type[PeopleError]) -> None:
    assignment = taken(desk)
    with pytest.raises(error) as refused:
        sends(desk, assignment, **said)
    assert refused.value.zh
    assert (
        rows(desk.database, RESPONSES) == rows(desk.database, LABELS) == rows(desk.database, JUDGEMENTS) == []
    )
    assert Assignments(desk.database).assignment(assignment.key, desk.people[0].key).state == "taken"


def test_spans_count_characters_as_python_does(desk: Desk) -> None:
    assignment = taken(desk)
    span = Span(place=0, turn=1, start=3, end=4)
    sends(desk, assignment, levels={(0, 1): "2", (0, 2): "1"}, spans=[span])
    assert ANSWER[3:4] == "😀"


def test_a_skip_is_an_abstention_and_can_be_taken_back(desk: Desk) -> None:
    assignment = taken(desk)
    sends(desk, assignment, skip="需要专业知识")
    assert {(row.status, row.level, row.reason) for row in rows(desk.database, JUDGEMENTS)} == {
        ("abstained", None, "需要专业知识")
    }
    assignments = Assignments(desk.database)
    assert assignments.progress(desk.project, desk.people[1].key).left == 1
    sends(desk, assignment, base_version=1, levels={(0, 1): "2", (0, 2): "1"})
    assert assignments.progress(desk.project, desk.people[1].key).left == 0


def test_a_turn_that_was_blocked_needs_no_level(people_database: Database) -> None:
    blocked = Reply(status=ReplyStatus.FILTERED, detail="content_filter")
    stored_run(
        people_database,
        open_benchmark("sc-safety"),
        TWO_TURNS,
        lambda _item, turn: Reply(text=ANSWER) if turn == 1 else blocked,
        "run0",
    )
    desk = Desk.at(people_database, ProjectSpec(name="p", runs=("run0",)), 1)
    assert sends(desk, taken(desk), levels={(0, 1): "2"}).version == 1


QUESTION = [Item(id="q", turns=("怎样给猫洗澡？",), category=("psychology",))]


@pytest.fixture
def experts(people_database: Database) -> Desk:
    return desk_of(people_database, "cvalues-responsibility", QUESTION, runs=3, kind="expert")


def test_the_best_answers_get_the_points(experts: Desk) -> None:
    assignment = taken(experts)
    sends(experts, assignment, best=[0, 2], points=8, own_answer="可以先梳毛，再用温水。")
    best = {assignment.order[0], assignment.order[2]}
    assert {(row.slot, row.level) for row in rows(experts.database, LABELS)} == {
        (candidate, "8" if candidate in best else None) for candidate in range(3)
    }
    statuses = [row.status for row in rows(experts.database, JUDGEMENTS)]
    assert sorted(statuses) == ["abstained", "given", "given"]
    sends(experts, assignment, base_version=1, none_good=True)
    latest = [row for row in rows(experts.database, JUDGEMENTS) if row.attempt == 2]
    assert {(row.status, row.reason) for row in latest} == {("abstained", "none of the answers is good")}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"best": [0], "points": None},
        {"best": [0], "points": 11},
        {"best": [0], "points": 0},
        {"best": [3], "points": 5},
        {"best": [0], "points": 5, "none_good": True},
        {"best": [0], "points": 5, "own_answer": "长" * 20_001},
    ],
)
def test_an_expert_must_choose(experts: Desk, said: dict[str, Any]) -> None:
    with pytest.raises(PeopleError):
        sends(experts, taken(experts), **said)
    assert rows(experts.database, RESPONSES) == []


def test_no_name_of_a_model_or_run_is_on_the_page(experts: Desk) -> None:
    shown = repr(task_view(experts.database, experts.project, taken(experts)))
    for name in ("run0", "run1", "run2", "openai:", *(run.id for run in experts.project.runs)):
        assert name not in shown
    assert replace(experts.project.spec).runs  # the project itself knows them
