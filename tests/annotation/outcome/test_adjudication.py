"""Adjudication: who is asked what, decisions as versions, and scores that follow at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import delete, insert, select

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.desk.places import At, search
from liangxin.annotation.desk.saving import Span, Submission
from liangxin.annotation.outcome.adjudication import (
    Adjudication,
    Settlement,
    decide,
    following,
    gold_labels,
    history,
    queue,
)
from liangxin.annotation.outcome.dispute import open_answer
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.engine.results import run_result
from liangxin.engine.stored import stored_result
from liangxin.errors import Conflict, NotAllowed, NotThere, PeopleError
from liangxin.records import Item, Level, Reply, ReplyStatus
from liangxin.store import ADJUDICATED, Database, Runs
from liangxin.store.people import LABELS
from liangxin.store.schema import JUDGEMENTS
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
RESPONSIBILITY = open_benchmark("cvalues-responsibility")
SC_SAFETY = open_benchmark("sc-safety")


def flames_items(count: int) -> list[Item]:
    categories = [("Fairness", "Toxic language"), ("Legality", "Law violation")]
    return [
        Item(id=f"f{number}", turns=(f"问题{number}：邻居说法对吗？",), category=categories[number % 2])
        for number in range(count)
    ]


def answered(item: Item, turn: int) -> Reply:
    return Reply(text=f"{item.id} 的第 {turn} 轮回答：先听双方怎么说。")


@pytest.fixture
def team(people_database: Database) -> Desk:
    """Six Flames answers, three annotators, in a store of either kind."""
    stored_run(people_database, FLAMES, flames_items(6), answered, "甲")
    return Desk.at(people_database, ProjectSpec(name="盲评", runs=("甲",), annotators=3))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite store."""
    opened = Database(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def desk(database: Database) -> Desk:
    """The same on SQLite, for what is no matter of SQL."""
    stored_run(database, FLAMES, flames_items(6), answered, "甲")
    return Desk.at(database, ProjectSpec(name="盲评", runs=("甲",), annotators=3))


def settle(
    desk: Desk, at: At, level: str | None, *, base: int = 0, reason: str = "依据说明第二条"
) -> Adjudication:
    settlement = Settlement(level=level, reason=reason, base_version=base)
    return decide(desk.database, desk.project, at, desk.adjudicator.key, settlement)


def waiting(desk: Desk, account: int | None = None) -> list[At]:
    key = desk.adjudicator.key if account is None else account
    return [one.labelled.at for one in queue(desk.database, desk.project, key)]


def test_what_annotators_disagree_on_waits(desk: Desk) -> None:
    for person, level in enumerate(("3", "3", "1")):
        desk.says(person, "f0", level)
        desk.says(person, "f1", "3")
    assert waiting(desk) == [desk.answer("f0")]
    desk.says(2, "f0", "3")
    assert waiting(desk) == [], "the third annotator came round"


def test_one_label_is_no_disagreement_and_neither_is_a_skip(desk: Desk) -> None:
    desk.says(0, "f0", "1")
    desk.says(1, "f0", {}, Submission(token="", levels={}, skip="看不懂"))
    assert waiting(desk) == []


def test_nobody_settles_what_they_annotated(team: Desk) -> None:
    team.says(0, "f0", "1")
    team.says(1, "f0", "3")
    mine = team.people[0].key
    assert waiting(team, mine) == []
    with pytest.raises(NotAllowed, match="You annotated this task"):
        open_answer(team.database, team.project, team.answer("f0"), mine)
    with pytest.raises(NotAllowed):
        decide(
            team.database,
            team.project,
            team.answer("f0"),
            mine,
            Settlement(level="1", reason="我觉得", base_version=0),
        )
    assert history(team.database, team.project, team.answer("f0")) == ()


def test_whoever_holds_a_assignment_does_not_settle_its_task(desk: Desk) -> None:
    desk.says(0, "f0", "1")
    desk.says(1, "f0", "3")
    third = desk.people[2]
    assignment = Assignments(desk.database).take(desk.project, third.key)
    assert assignment is not None
    assert assignment.task == desk.task("f0"), "a task that others have begun comes first"
    assert waiting(desk, third.key) == []


def test_a_decision_leaves_the_queue_and_keeps_its_history(team: Desk) -> None:
    team.says(0, "f0", "1")
    team.says(1, "f0", "3")
    at = team.answer("f0")
    first = settle(team, at, "2", reason="  没有主动危害  ")
    assert (first.version, first.level, first.reason) == (1, "2", "没有主动危害")
    assert waiting(team) == []
    settle(team, at, "1", base=1)
    settle(team, at, None, base=2, reason="")
    kept = history(team.database, team.project, at)
    assert [(one.version, one.level, one.account) for one in kept] == [
        (1, "2", team.adjudicator.key),
        (2, "1", team.adjudicator.key),
        (3, None, team.adjudicator.key),
    ]
    assert waiting(team) == [at], "taken back, it waits again"


def test_who_decides_on_an_old_version_is_told(desk: Desk) -> None:
    desk.says(0, "f0", "1")
    desk.says(1, "f0", "3")
    at = desk.answer("f0")
    settle(desk, at, "2")
    with pytest.raises(Conflict, match="Somebody decided on this answer meanwhile"):
        settle(desk, at, "3")
    with pytest.raises(Conflict):
        settle(desk, at, "3", base=7)
    assert [one.level for one in history(desk.database, desk.project, at)] == ["2"]


def test_newer_different_verdicts_bring_a_decision_back(team: Desk) -> None:
    team.says(0, "f0", "1")
    team.says(1, "f0", "3")
    at = team.answer("f0")
    settle(team, at, "1")
    team.says(1, "f0", "3")
    assert waiting(team) == [], "the same level saved again says nothing new"
    team.says(2, "f0", "1")
    assert waiting(team) == [], "a new verdict that agrees with the decision"
    team.says(2, "f0", "2")
    again = queue(team.database, team.project, team.adjudicator.key)
    assert [one.decision.level for one in again if one.decision] == ["1"]
    opened = open_answer(team.database, team.project, at, team.adjudicator.key)
    assert sorted((view.level, view.newer) for view in opened.views) == [
        ("1", False),
        ("2", True),
        ("3", False),
    ]
    assert opened.waits
    settle(team, at, "1", base=1)
    assert waiting(team) == []


@pytest.mark.parametrize(
    ("level", "reason", "base", "said"),
    [
        ("5", "x", 0, "no level '5'"),
        ("2", "x", 0, "no level '2'"),
        ("1", " \n", 0, "Write the reason"),
        ("1", "长" * 2001, 0, "2001 characters"),
        (None, "", 0, "no decision that could be taken back"),
    ],
)
def test_what_cannot_be_decided(desk: Desk, level: str | None, reason: str, base: int, said: str) -> None:
    """Legality has two levels: 2 is not one of them."""
    with pytest.raises(PeopleError, match=said):
        settle(desk, desk.answer("f1"), level, base=base, reason=reason)
    assert history(desk.database, desk.project, desk.answer("f1")) == ()


def test_no_such_answer(desk: Desk) -> None:
    task = desk.task("f0")
    for at in (
        At(task=task, candidate=0, turn=2),
        At(task=task, candidate=1, turn=1),
        At(task=10**8, candidate=0, turn=1),
    ):
        with pytest.raises(NotThere):
            settle(desk, at, "1")
        with pytest.raises(NotThere):
            open_answer(desk.database, desk.project, at, desk.adjudicator.key)


def test_another_projects_answer_is_not_there(desk: Desk) -> None:
    other = Desk.at(desk.database, ProjectSpec(name="另一个", runs=("甲",)))
    with pytest.raises(NotThere):
        settle(other, desk.answer("f0"), "1")


def test_an_answer_is_opened_without_names_and_with_evidence(desk: Desk) -> None:
    said = Submission(token="", levels={}, comment="口气不好", spans=[Span(place=0, turn=1, start=0, end=2)])
    desk.says(0, "f0", "1", said)
    desk.says(1, "f0", "3")
    opened = open_answer(desk.database, desk.project, desk.answer("f0"), desk.adjudicator.key)
    assert [turn.answer for turn in opened.turns] == ["f0 的第 1 轮回答：先听双方怎么说。"]
    assert sorted((view.level, view.comment, view.evidence) for view in opened.views) == [
        ("1", "口气不好", ((1, "f0"),)),
        ("3", "", ()),
    ]
    shown = repr(opened)
    for person in desk.people:
        assert person.alias not in shown
        assert person.name not in shown
    assert "甲" not in shown, "nor the model"


def test_views_are_shuffled_for_each_answer_alike(database: Database) -> None:
    stored_run(database, FLAMES, flames_items(24), answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="盲评", runs=("甲",), annotators=2))
    orders = set()
    for number in range(0, 24, 2):
        desk.says(0, f"f{number}", "1")
        desk.says(1, f"f{number}", "3")
        at = desk.answer(f"f{number}")
        seen = [
            tuple(view.level for view in open_answer(desk.database, desk.project, at, 10**6).views)
            for _ in range(2)
        ]
        assert seen[0] == seen[1], "an answer that is opened again looks the same"
        orders.add(seen[0])
    assert orders == {("1", "3"), ("3", "1")}, "nobody always comes first"


def test_what_follows_goes_round(desk: Desk) -> None:
    for item in ("f0", "f2", "f4"):
        desk.says(0, item, "1")
        desk.says(1, item, "3")
    order = waiting(desk)
    assert len(order) == 3

    def after(at: At | None) -> At | None:
        return following(desk.database, desk.project, desk.adjudicator.key, at)

    assert [after(at) for at in order] == [order[1], order[2], order[0]]
    settle(desk, order[1], "2")
    assert after(order[1]) == order[2], "what is settled still says where one was"
    assert after(None) in order
    for at in (order[0], order[2]):
        settle(desk, at, "2")
    assert after(order[0]) is None


def test_gold_labels_say_how_they_came_about(team: Desk) -> None:
    for item, levels in {"f0": "333", "f1": "331", "f2": "31", "f3": "1", "f4": "11"}.items():
        for person, level in enumerate(levels):
            team.says(person, item, level)
    settle(team, team.answer("f4"), "2")
    settle(team, team.answer("f5"), "3", reason="没人评，负责人自己定")
    found = {one.item: (one.level, one.how) for one in gold_labels(team.database, team.project)}
    assert found == {
        "f0": ("3", "unanimous"),
        "f1": ("3", "majority"),
        "f2": (None, "tie"),
        "f3": ("1", "single"),
        "f4": ("2", "adjudicated"),
        "f5": ("3", "adjudicated"),
    }
    settle(team, team.answer("f5"), None, base=1, reason="")
    assert "f5" not in {one.item for one in gold_labels(team.database, team.project)}


def test_where_the_mean_counts_the_label_is_the_median(database: Database) -> None:
    item = Item(id="r1", turns=("怎么劝朋友？",), category=("心理学",))
    stored_run(database, RESPONSIBILITY, [item], answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="打分", runs=("甲",), annotators=3))
    for person, level in enumerate(("3", "7", "6")):
        desk.says(person, "r1", level)
    assert [(one.level, one.how) for one in gold_labels(desk.database, desk.project)] == [("6", "median")]


def test_turns_are_settled_one_by_one(database: Database) -> None:
    item = Item(id="s1", turns=("先问", "追问"), category=("传统安全", "财产隐私"))
    stored_run(database, SC_SAFETY, [item], answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="多轮", runs=("甲",), annotators=3))
    for person, levels in enumerate((("0", "2"), ("1", "2"), ("2", "2"))):
        desk.says(person, "s1", {(0, 1): levels[0], (0, 2): levels[1]})
    found = [(one.at.turn, one.level, one.how) for one in gold_labels(desk.database, desk.project)]
    assert found == [(1, None, "tie"), (2, "2", "unanimous")]
    assert waiting(desk) == [desk.answer("s1", turn=1)]


def test_a_turn_without_an_answer_cannot_be_settled(database: Database) -> None:
    def blocked(item: Item, turn: int) -> Reply:
        return Reply(status=ReplyStatus.FILTERED) if turn == 2 else answered(item, turn)

    item = Item(id="s1", turns=("先问", "追问"), category=("传统安全", "财产隐私"))
    stored_run(database, SC_SAFETY, [item], blocked, "甲")
    desk = Desk.at(database, ProjectSpec(name="多轮", runs=("甲",)))
    settle(desk, desk.answer("s1", turn=1), "1")
    with pytest.raises(NotThere):
        settle(desk, desk.answer("s1", turn=2), "1")


def rate(desk: Desk) -> float | None:
    result = stored_result(desk.database, "甲", f"people:{desk.project.name}")
    scores = {(one.measure, one.group): one for one in result.judges[0].scores}
    return scores["harmless_rate", "Fairness"].value


def test_scores_follow_decisions_at_once(team: Desk) -> None:
    """f0, f2 and f4 are of Fairness: three answers, each a third."""
    for item, levels in {"f0": "331", "f2": "333", "f4": "111"}.items():
        for person, level in enumerate(levels):
            team.says(person, item, level)
    assert rate(team) == pytest.approx(200 / 3)
    settle(team, team.answer("f0"), "1")
    assert rate(team) == pytest.approx(100 / 3), "the majority is overturned"
    settle(team, team.answer("f4"), "3")
    assert rate(team) == pytest.approx(200 / 3), "unanimous annotators are corrected"
    settle(team, team.answer("f0"), None, base=1, reason="")
    assert rate(team) == pytest.approx(100), "taken back, the majority stands again"
    settle(team, team.answer("f0"), "2", base=2)
    assert rate(team) == pytest.approx(200 / 3)
    run = Runs(team.database).find("甲")
    judges = Runs(team.database).judges(run)
    counted = run_result(team.database, run, FLAMES, judges).judges[0].verdicts
    assert counted["given"] == 3, "one verdict for each reply, whoever settled it"


def test_decisions_are_judgements_with_every_version(desk: Desk) -> None:
    at = desk.answer("f0")
    settle(desk, at, "2")
    settle(desk, at, None, base=1, reason="看错了")
    query = select(JUDGEMENTS).where(JUDGEMENTS.c.annotator == ADJUDICATED).order_by(JUDGEMENTS.c.attempt)
    with desk.database.begin() as connection:
        rows = connection.execute(query).all()
    assert [(row.attempt, row.status, row.level, row.reason) for row in rows] == [
        (1, "given", "2", "依据说明第二条"),
        (2, "abstained", None, "看错了"),
    ]


def test_a_scale_of_ones_own_is_settled_beside_the_run(database: Database) -> None:
    stored_run(database, FLAMES, flames_items(2), answered, "甲")
    levels = (Level(name="差", points=0, zh="", en=""), Level(name="好", points=1, zh="", en=""))
    spec = ProjectSpec(name="文笔", runs=("甲",), subject="own", levels=levels, annotators=2)
    desk = Desk.at(database, spec)
    desk.says(0, "f0", "差")
    desk.says(1, "f0", "好")
    settle(desk, desk.answer("f0"), "好")
    assert [(one.level, one.how) for one in gold_labels(desk.database, desk.project)] == [
        ("好", "adjudicated")
    ]
    with desk.database.begin() as connection:
        assert connection.execute(select(JUDGEMENTS)).all() == []


def test_two_who_decide_at_once(team: Desk) -> None:
    at = team.answer("f0")
    together = Barrier(4)

    def one(level: str) -> str:
        together.wait(timeout=30)
        try:
            return settle(team, at, level).level or ""
        except Conflict:
            return "late"

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, ("1", "2", "3", "1")))
    assert found.count("late") == 3
    kept = history(team.database, team.project, at)
    assert [decision.level for decision in kept] == [level for level in found if level != "late"]


def test_labels_of_a_person_who_is_gone_are_gone(desk: Desk) -> None:
    desk.says(0, "f0", "1")
    desk.says(1, "f0", "3")
    with desk.database.begin() as connection:
        connection.execute(delete(LABELS).where(LABELS.c.account == desk.people[0].key))
    assert waiting(desk) == []
    assert [(one.level, one.how) for one in gold_labels(desk.database, desk.project)] == [("3", "single")]


def test_a_mark_outside_the_scale_harms_nothing(desk: Desk) -> None:
    """A level that an import or an older release left behind."""
    at = desk.answer("f0")
    row = {"project": desk.project.key, "task": at.task, "slot": 0, "turn": 1, "version": 1, "created": 1.0}
    with desk.database.begin() as connection:
        connection.execute(insert(LABELS), {**row, "account": desk.people[0].key, "level": "十"})
    assert [(one.level, one.how) for one in gold_labels(desk.database, desk.project)] == [(None, "tie")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("问题3", {"f3"}),
        ("F3 的第", {"f3"}),
        ("先听双方", {"f0", "f3"}),
        ("category", set()),
        ("%", set()),
        ('"', set()),
    ],
)
def test_labels_are_searched_by_prompt_and_answer(desk: Desk, words: str, found: set[str]) -> None:
    check_search(desk, words, found)


def test_labels_are_searched_in_either_store(team: Desk) -> None:
    check_search(team, "问题3", {"f3"})
    check_search(team, "F3 的第", {"f3"})


def check_search(desk: Desk, words: str, found: set[str]) -> None:
    for item in ("f0", "f3"):
        desk.says(0, item, "1")
    with desk.database.begin() as connection:
        fits = search(connection, desk.project.key, words)
    labels = gold_labels(desk.database, desk.project)
    assert {label.item for label in labels if fits(label.at)} == found
