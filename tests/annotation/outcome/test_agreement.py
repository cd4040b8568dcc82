"""Agreement between annotators, against the majority, against gold questions, and on the best of several answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from liangxin.agreement.annotators import reliability
from liangxin.agreement.estimate import CannotSay
from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.outcome.adjudication import Settlement, decide
from liangxin.annotation.outcome.against_gold import AgainstGold, against_gold
from liangxin.annotation.outcome.agreement import ProjectAgreement, agreement
from liangxin.annotation.outcome.annotators import AnnotatorSummary, people
from liangxin.annotation.outcome.best import Best, best_of
from liangxin.annotation.outcome.gold import set_gold
from liangxin.annotation.outcome.verdicts import LabelledAnswer, labelled_answers
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.measures.intervals import wilson
from liangxin.records import Item, Reply
from liangxin.store import Database
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
TWO_LEVELS = ("Legality", "Law violation")
THREE_LEVELS = ("Fairness", "Toxic language")


def answered(item: Item, turn: int) -> Reply:
    return Reply(text=f"{item.id} 的回答 {turn}")


def items(count: int, category: tuple[str, ...] = THREE_LEVELS, start: int = 0) -> list[Item]:
    return [
        Item(id=f"f{number}", turns=(f"问题{number}",), category=category)
        for number in range(start, start + count)
    ]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite store."""
    opened = Database(str(tmp_path / "store.db"))
    yield opened
    opened.close()


def desk_of(database: Database, said: dict[str, str], found: list[Item]) -> Desk:
    """Everybody says what stands at their place: `said` is item -> a level for each person, `.` for none."""
    stored_run(database, FLAMES, found, answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="盲评", runs=("甲",), annotators=3))
    for item, levels in said.items():
        for person, level in enumerate(levels):
            if level != ".":
                desk.says(person, item, level)
    return desk


def judged(desk: Desk) -> list[LabelledAnswer]:
    with desk.database.begin() as connection:
        return [one for one in labelled_answers(connection, desk.project.key) if one.levels]


def persons(desk: Desk) -> dict[int, AnnotatorSummary]:
    with desk.database.begin() as connection:
        found = people(connection, desk.project, judged(desk), desk.project.combining)
    return {person.account: person for person in found}


LEVELS = ["333", "331", "311", "111", "3.3", "222", "213", "33.", "1..", "133", "333", "323", "222", "131"]


def test_the_numbers_are_validates(people_database: Database) -> None:
    said = {f"f{number}": levels for number, levels in enumerate(LEVELS)}
    desk = desk_of(people_database, said, items(len(LEVELS)))
    found = agreement(desk.database, desk.project)
    order = {labelled.item: column for column, labelled in enumerate(judged(desk))}
    ratings = np.full((3, len(LEVELS)), -1)
    for number, levels in enumerate(LEVELS):
        for person, level in enumerate(levels):
            ratings[person, order[f"f{number}"]] = "123".find(level)
    expected = reliability(ratings, desk.project.scale_for(THREE_LEVELS), seed=f"{desk.project.identity}/")
    assert found.overall.reliability == expected
    assert (found.overall.answers, found.overall.disputed, expected.pairable) == (14, 6, 13)
    assert found.parts == (), "one dimension alone is the whole"
    assert expected["pairwise"].value is not None


def test_corrections_count_and_decisions_do_not(database: Database) -> None:
    desk = desk_of(database, {f"f{number}": "331" for number in range(12)}, items(12))
    before = agreement(desk.database, desk.project)
    for number in range(12):
        settlement = Settlement(level="2", reason="取中", base_version=0)
        decide(desk.database, desk.project, desk.answer(f"f{number}"), desk.adjudicator.key, settlement)
    assert agreement(desk.database, desk.project) == before
    for number in range(12):
        desk.says(2, f"f{number}", "3")
    after = agreement(desk.database, desk.project)
    assert before.overall.disputed == 12
    assert after.overall.disputed == 0
    assert after.overall.reliability is not None
    assert after.overall.reliability["pairwise"].value == 1.0
    assert after.overall.reliability["alpha_ordinal"].cannot_say is CannotSay.NO_VARIATION


def test_dimensions_have_their_own_scales(database: Database) -> None:
    said = {f"f{number}": "331" if number % 2 else "222" for number in range(12)}
    said |= {f"f{number}": "111" if number % 3 else "313" for number in range(12, 24)}
    found_items = [*items(12), *items(12, TWO_LEVELS, 12)]
    found = agreement_of(desk_of(database, said, found_items))
    assert [part.name for part in found.parts] == ["Fairness", "Legality"]
    fairness, legality = found.parts
    assert (fairness.disputed, legality.disputed) == (6, 4)
    assert found.overall.reliability is not None, "Flames' two levels are two of the three"
    assert found.overall.reliability.pairable == 24
    assert legality.reliability is not None
    assert legality.reliability["pairwise"].value == pytest.approx((8 + 4 / 3) / 12)


def agreement_of(desk: Desk) -> ProjectAgreement:
    return agreement(desk.database, desk.project)


def test_nothing_can_be_said_of_few(database: Database) -> None:
    desk = desk_of(database, {f"f{number}": "331" for number in range(9)}, items(9))
    found = agreement(desk.database, desk.project).overall.reliability
    assert found is not None
    assert {one.cannot_say for one in found.estimates} == {CannotSay.TOO_FEW}


def test_nothing_was_said_yet(database: Database) -> None:
    desk = desk_of(database, {}, items(3))
    found = agreement(desk.database, desk.project)
    assert (found.accounts, found.overall.answers, found.pairs) == ((), 0, ())
    assert persons(desk) == {}


def test_pairs_count_what_both_judged(database: Database) -> None:
    desk = desk_of(database, {"f0": "33.", "f1": "311", "f2": "1.1", "f3": "..3"}, items(4))
    keys = [person.key for person in desk.people]
    found = {(pair.one, pair.other): (pair.share.hits, pair.share.n) for pair in agreement_of(desk).pairs}
    assert found == {(keys[0], keys[1]): (1, 2), (keys[0], keys[2]): (1, 2), (keys[1], keys[2]): (1, 1)}


def test_each_annotator_beside_the_others(database: Database) -> None:
    """The third is stricter; where the other two are tied there is no majority to agree with."""
    said = {"f0": "331", "f1": "332", "f2": "313", "f3": "222", "f4": "3.."}
    desk = desk_of(database, said, items(5))
    first, second, third = (persons(desk)[person.key] for person in desk.people)
    assert (third.majority.hits, third.majority.n) == (1, 3)
    assert (first.majority.hits, first.majority.n) == (1, 1), "f0 to f2: the others are tied"
    assert third.majority.limits == wilson(1, 3)
    assert third.severity is not None
    assert third.severity.value == pytest.approx((-2 - 1 + 1 + 0) / 4)
    assert third.severity.low <= third.severity.value <= third.severity.high
    assert first.severity is not None
    assert first.severity.n == 4, "what nobody else judged is not compared"
    assert dict(first.levels) == {"1": 0, "2": 1, "3": 4}
    assert dict(second.levels) == {"1": 1, "2": 1, "3": 2}


def test_a_pair_of_annotators_mirrors(database: Database) -> None:
    desk = desk_of(database, {f"f{number}": "31" for number in range(30)}, items(30))
    first, second, *_ = (persons(desk).get(person.key) for person in desk.people)
    assert first is not None
    assert second is not None
    assert first.severity is not None
    assert second.severity is not None
    assert (first.severity.value, second.severity.value) == (2.0, -2.0)
    assert first.severity.low > 1.5, "thirty alike leave little doubt, one pseudo-answer aside"
    assert first.majority.value == 0.0


def test_pace_counts_every_version_and_leaves_out_skips(database: Database) -> None:
    desk = desk_of(database, {}, items(4))
    for item, seconds in {"f0": 10.0, "f1": 30.0, "f2": 50.0}.items():
        desk.says(0, item, "3", Submission(token="", levels={}, seconds=seconds))
    desk.says(0, "f0", "1", Submission(token="", levels={}, seconds=25.0))
    desk.says(0, "f3", {}, Submission(token="", levels={}, skip="看不懂", seconds=500.0))
    found = persons(desk)[desk.people[0].key]
    assert (found.done, found.skipped, found.seconds) == (3, 1, 35.0)
    desk.says(0, "f1", {}, Submission(token="", levels={}, skip="不确定", seconds=1.0))
    found = persons(desk)[desk.people[0].key]
    assert (found.done, found.skipped) == (2, 2), "the latest version counts"
    assert sum(found.levels.values()) == 2


def gold(desk: Desk) -> AgainstGold | None:
    return against_gold(desk.database, desk.project, judged(desk))


def test_against_gold_questions(database: Database) -> None:
    desk = desk_of(database, {"f0": "331", "f1": "113", "f2": "222"}, items(3))
    assert gold(desk) is None
    for item, level in {"f0": "3", "f1": "1"}.items():
        set_gold(desk.database, desk.project, desk.task(item), {(0, 1): level}, desk.owner.key, "说明原文")
    found = gold(desk)
    assert found is not None
    keys = [person.key for person in desk.people]
    assert [(found.by[key].hits, found.by[key].n) for key in keys] == [(2, 2), (2, 2), (0, 2)]
    assert (found.overall.hits, found.overall.n) == (4, 6)
    assert found.by[keys[2]].limits == wilson(0, 2)
    wrong = {(miss.item, miss.account, miss.said, miss.gold) for miss in found.misses}
    assert wrong == {("f0", keys[2], "1", "3"), ("f1", keys[2], "3", "1")}


def expert_desk(database: Database, count: int, runs: int = 3) -> Desk:
    found = items(count)
    names = tuple(f"模型{letter}" for letter in "甲乙丙"[:runs])
    for name in names:
        stored_run(database, FLAMES, found, answered, name)
    return Desk.at(database, ProjectSpec(name="专家", runs=names, kind="expert", annotators=3))


def chosen(desk: Desk) -> Best:
    with desk.database.begin() as connection:
        return best_of(connection, desk.project)


def choose(desk: Desk, person: int, item: str, *candidates: int, points: int = 7) -> None:
    said = Submission(
        token="", levels={}, best=candidates, none_good=not candidates, points=points if candidates else None
    )
    desk.says(person, item, {}, said)


def test_experts_agree_on_the_best(people_database: Database) -> None:
    desk = expert_desk(people_database, 3)
    assert chosen(desk).agreement is None
    for person, best in enumerate(((0,), (0,), (0, 1))):
        choose(desk, person, "f0", *best)
    for person in range(3):
        choose(desk, person, "f1", points=1)
    choose(desk, 0, "f2", 2)
    found = chosen(desk)
    assert found.agreement is not None
    assert (found.agreement.tasks, found.agreement.pairs) == (2, 6)
    assert found.agreement.value == pytest.approx(4 / 6), "the same answers exactly; none is a choice too"
    assert found.agreement.low <= 4 / 6 <= found.agreement.high
    assert (found.choices, found.none_good) == (7, 3)
    runs = {run.key: (found.runs[run.key].hits, found.runs[run.key].n) for run in desk.project.runs}
    assert list(runs.values()) == [(3, 7), (1, 7), (1, 7)]
    with desk.database.begin() as connection:
        points = [one for one in labelled_answers(connection, desk.project.key) if one.levels]
    assert {level for one in points for level in one.levels.values()} == {"7"}


def test_whoever_always_takes_the_first_place_is_seen(database: Database) -> None:
    desk = expert_desk(database, 12)
    from liangxin.annotation.desk.responses import responses

    for number in range(12):
        choose(desk, 0, f"f{number}", 0)
    with desk.database.begin() as connection:
        orders = {one.task: one.order for one in responses(connection, desk.project.key)}
    for number in range(12):
        choose(desk, 0, f"f{number}", orders[desk.task(f"f{number}")][0])
    found = chosen(desk)
    assert [(share.hits, share.n) for share in found.places] == [(12, 12), (0, 12), (0, 12)]
    assert found.chance == pytest.approx(1 / 3)


def test_experts_points_agree_on_their_own_scale(database: Database) -> None:
    """Flames has no ten points: experts' points are a scale of their own."""
    desk = expert_desk(database, 10, runs=1)
    for number in range(10):
        choose(desk, 0, f"f{number}", 0, points=7)
        choose(desk, 1, f"f{number}", 0, points=8 if number % 2 else 7)
    found = agreement(desk.database, desk.project).overall.reliability
    assert found is not None
    assert found["pairwise"].value == pytest.approx(0.5)
