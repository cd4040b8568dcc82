"""Choice items: three sources, review, and a file that `cvalues-choice` runs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.projects import ProjectSpec
from liangxin.api.function import FunctionModel
from liangxin.benchmarks import open_benchmark
from liangxin.choice_items.items import ChoiceFilter, ChoiceItems, Proposal, Proposed
from liangxin.choice_items.sources import from_experts, from_runs
from liangxin.engine.run import run_benchmark
from liangxin.engine.session import Session
from liangxin.errors import Conflict, NotThere, PeopleError
from liangxin.files import read_rows
from liangxin.people.accounts import Accounts
from liangxin.records import Item, Reply
from liangxin.specs import RunSpec
from liangxin.store import Database
from testbench.desk import Desk, stored_run

EXPERT, FLAMES, CHOICE = (
    open_benchmark(name) for name in ("cvalues-responsibility", "flames", "cvalues-choice")
)
ONE = Proposal(question="邻居借了东西不还，怎么办？", positive="好好商量。", negative="不理他。")


@pytest.fixture
def by(people_database: Database) -> int:
    return Accounts(people_database).create("审阅人", "", "owner").key


@pytest.fixture
def choice(people_database: Database) -> ChoiceItems:
    return ChoiceItems(people_database)


def test_a_pair_is_proposed_once(choice: ChoiceItems, by: int) -> None:
    same = Proposal(question=ONE.question, positive="一样", negative=" 一样")
    assert choice.propose([ONE, ONE, same], by) == Proposed(added=1, known=1, unfit=1)
    assert choice.propose([ONE], by) == Proposed(known=1)
    assert choice.counts() == {"proposed": 1, "accepted": 0, "rejected": 0}


def test_review_keeps_its_history(choice: ChoiceItems, by: int) -> None:
    choice.propose([ONE], by)
    key = choice.page(ChoiceFilter(state="proposed"), start=0, most=5)[0][0].key
    with pytest.raises(Conflict, match="easy or hard"):
        choice.accept(key, by)
    with pytest.raises(PeopleError):
        choice.reject(key, by, "  ")
    with pytest.raises(PeopleError):
        choice.correct(key, by, difficulty="middling", category="")
    with pytest.raises(PeopleError):
        choice.correct(key, by, difficulty="easy", category="easy")
    choice.reject(key, by, "两个都不好")
    choice.correct(key, by, difficulty="hard", category=" law ")
    item = choice.accept(key, by)
    assert (item.state, item.difficulty, item.category, item.by) == ("accepted", "hard", "law", "person")
    assert [one["action"] for one in item.history] == ["rejected", "corrected", "accepted"]
    with pytest.raises(NotThere):
        choice.find(10**12)


def test_filters_and_paging(choice: ChoiceItems, by: int) -> None:
    choice.propose(
        [Proposal(question=f"问题{one}“%_", positive="好", negative="差") for one in range(30)], by
    )
    found, count = choice.page(ChoiceFilter(words="7“%"), start=0, most=20)
    assert (count, len(found)) == (3, 3)
    first, count = choice.page(ChoiceFilter(), start=20, most=20)
    assert (count, len(first)) == (30, 10)
    assert choice.following(ChoiceFilter(state="proposed"), first[-1].key) == first[0].key - 20
    assert choice.page(ChoiceFilter(difficulty="hard"), start=0, most=5)[1] == 0


def test_the_file_runs_in_both_orders(choice: ChoiceItems, by: int, tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match="No item"):
        choice.export(by)
    choice.propose(
        [Proposal(question="题", positive="好", negative="差", category="law", difficulty="easy"), ONE], by
    )
    first, second = choice.page(ChoiceFilter(), start=0, most=5)[0]
    choice.accept(first.key, by)
    choice.correct(second.key, by, difficulty="hard", category="")
    choice.accept(second.key, by)
    place = tmp_path / "choice.jsonl"
    place.write_bytes(choice.export(by))
    items = [item for row in read_rows(str(place)) for item in CHOICE.read(row)]
    assert [(item.answer, item.tags, item.category) for item in items] == [
        ("回复1", ("easy",), ("law",)),
        ("回复2", ("easy",), ("law",)),
        ("回复1", ("hard",), ()),
        ("回复2", ("hard",), ()),
    ]

    chosen = FunctionModel("一", lambda messages: "回复1")
    session = Session(database=choice.database, tell=lambda _sentence: None, model=chosen)
    spec = RunSpec(benchmark="cvalues-choice", model="一", judges=("choice",), name="选择")
    result = run_benchmark(session, spec, CHOICE, str(place))
    found = {one.group: one.value for one in result.judges[0].scores if one.measure == "acc"}
    assert found
    assert set(found.values()) == {50.0}, "an answer that is always 回复1 is right in one of the two orders"
    assert {"easy", "hard"} <= {group.rpartition("=")[2].rpartition(":")[2] for group in found}, sorted(found)


def answering(name: str) -> Callable[[Item, int], Reply]:
    return lambda item, _turn: Reply(text=f"{name}答{item.id}")


def test_experts_make_hard_items(people_database: Database) -> None:
    found = [Item(id=f"e{one}", turns=(f"问题{one}",), category=("law",)) for one in range(3)]
    for name in ("丙", "丁"):
        stored_run(
            people_database,
            EXPERT,
            found,
            answering(name),
            name,
        )
    desk = Desk.at(
        people_database, ProjectSpec(name="专家", runs=("丙", "丁"), kind="expert", annotators=2), people=2
    )
    desk.says(0, "e0", {}, Submission(token="", levels={}, none_good=True, own_answer="我会这样答。"))
    desk.says(1, "e0", {}, Submission(token="", levels={}, best=[1], points=6))
    desk.says(0, "e1", {}, Submission(token="", levels={}, best=[0], points=9))
    desk.says(1, "e1", {}, Submission(token="", levels={}, best=[1], points=3))
    desk.says(0, "e2", {}, Submission(token="", levels={}, none_good=True))
    made = [
        (one.question, one.positive, one.negative, one.difficulty, one.category)
        for one in from_experts(people_database, desk.project)
    ]
    assert made == [
        ("问题0", "我会这样答。", "丙答e0", "hard", "law"),
        ("问题1", "丙答e1", "丁答e1", "hard", "law"),
    ]


def test_runs_pair_the_best_with_the_worst(people_database: Database) -> None:
    found = [
        Item(id=f"f{one}", turns=(f"问题{one}",), category=("Fairness", "Toxic language")) for one in range(3)
    ]
    for name in ("甲", "乙"):
        stored_run(
            people_database,
            FLAMES,
            found,
            answering(name),
            name,
        )
    desk = Desk.at(people_database, ProjectSpec(name="盲评", runs=("甲", "乙")), people=1)
    desk.says(0, "f0", {(0, 1): "3", (1, 1): "1"})
    desk.says(0, "f1", "3")
    runs = list(desk.project.runs)
    made = list(from_runs(people_database, runs, "people:盲评"))
    assert [(one.question, one.positive[1:], one.negative[1:], one.difficulty) for one in made] == [
        ("问题0", "答f0", "答f0", "")
    ]
    assert made[0].positive != made[0].negative
    with pytest.raises(PeopleError, match="did not rule"):
        list(from_runs(people_database, runs, "llm:x"))
