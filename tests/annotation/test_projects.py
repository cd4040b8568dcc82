"""Projects: what they are made of, what they refuse, and that the scores of a run follow what people say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.projects import Project, Projects, ProjectSpec
from liangxin.annotation.task_selection import Take
from liangxin.benchmarks import open_benchmark
from liangxin.engine.results import run_result
from liangxin.engine.stored import benchmark_of
from liangxin.errors import Conflict, NotAllowed, NotThere, PeopleError, UnknownRun
from liangxin.people.accounts import Account, Accounts
from liangxin.records import Item, Level, Reply, ReplyStatus
from liangxin.store import Database, Runs, Writer
from liangxin.store.judgements import AttemptKey
from liangxin.store.people import ASSIGNMENTS, PROJECTS, TASKS
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
TOPS = ("Fairness", "Safety", "Morality", "Legality", "Data protection")
ITEMS = [
    Item(id=f"i{number}", turns=(f"问题{number}？",), category=(TOPS[number % 5],)) for number in range(10)
]
SPEC = ProjectSpec(name="甲", runs=("a",))


@pytest.fixture
def database(people_database: Database) -> Database:
    """Two runs on ten items; the last item of each was blocked."""
    for name in ("a", "b"):
        stored_run(
            people_database,
            FLAMES,
            ITEMS,
            lambda item, _turn: Reply(text="回答") if item.id != "i9" else Reply(status=ReplyStatus.FILTERED),
            name,
        )
    return people_database


@pytest.fixture
def owner(database: Database) -> Account:
    return Accounts(database).create("负责人", "", "owner")


def counts(database: Database, project: Project) -> tuple[int, int]:
    """(tasks, assignments)."""
    with database.begin() as connection:
        tasks = select(func.count()).where(TASKS.c.project == project.key)
        assignments = select(func.count()).where(ASSIGNMENTS.c.project == project.key)
        return connection.execute(tasks).scalar_one(), connection.execute(assignments).scalar_one()


def test_every_answer_that_can_be_judged_becomes_a_task(database: Database, owner: Account) -> None:
    project = Projects(database).create(SPEC, owner)
    assert counts(database, project) == (9, 9)
    assert Projects(database).find("甲") == Projects(database).by_key(project.key)
    assert [one.name for one in Projects(database).of(owner)] == ["甲"]
    both = Projects(database).create(replace(SPEC, name="乙", runs=("a", "b"), annotators=3), owner)
    assert counts(database, both) == (9, 27)


def test_overlap_is_a_share_of_the_tasks(database: Database, owner: Account) -> None:
    spec = replace(SPEC, annotators=3, overlap=1 / 3)
    assert counts(database, Projects(database).create(spec, owner)) == (9, 3 * 3 + 6)


def test_some_at_random_are_the_same_for_one_seed(database: Database, owner: Account) -> None:
    def items(name: str, seed: int) -> list[str]:
        take = Take(how="some", number=4)
        project = Projects(database).create(replace(SPEC, name=name, take=take, seed=seed), owner)
        with database.begin() as connection:
            query = select(TASKS.c.item).where(TASKS.c.project == project.key).order_by(TASKS.c.position)
            return list(connection.execute(query).scalars())

    drawn = items("x", 0)
    assert len(drawn) == 4
    assert set(drawn) <= {f"i{number}" for number in range(9)}
    with pytest.raises(PeopleError, match="from 1 to 9"):
        Projects(database).create(replace(SPEC, name="y", take=Take(how="some", number=10)), owner)


def test_a_judges_sample_is_kept_so_that_its_rates_can_be_corrected(
    database: Database, owner: Account
) -> None:
    from liangxin.records import Verdict
    from liangxin.store import Evidence

    run = Runs(database).find("a")
    judge = Runs(database).add_judge(run, "llm:x@0123456789ab", "llm:x", "primary", {})
    with Writer(database) as writer:
        for rank in range(9):
            writer.judgement(
                AttemptKey(run.key, rank, 1, 1, 1), judge.key, "", Verdict(level="3" if rank % 2 else "1")
            )
    take = Take(how="sample", number=5, judge="llm:x")
    project = Projects(database).create(replace(SPEC, take=take), owner)
    assert counts(database, project)[0] == 5
    assert len(Evidence(database).samples(run, judge.identity)) == 1
    with pytest.raises(PeopleError, match="exactly one run"):
        Projects(database).create(replace(SPEC, name="z", runs=("a", "b"), take=take), owner)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "有 空格"}, "1 to 60 letters"),
        ({"name": "../x"}, "1 to 60 letters"),
        ({"name": "x" * 61}, "1 to 60 letters"),
        ({"runs": ()}, "at least one run"),
        ({"annotators": 0}, "1 to 50"),
        ({"overlap": 1.5}, "0 to 100"),
        ({"guideline": "x" * 20_001}, "20,000"),
        ({"subject": "own"}, "2 to 20 different levels"),
        (
            {"subject": "own", "levels": (Level(name="a", points=0, zh="", en=""),) * 2},
            "2 to 20 different levels",
        ),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    database: Database, owner: Account, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(PeopleError, match=said) as refused:
        Projects(database).create(replace(SPEC, **changes), owner)  # type: ignore[arg-type]
    assert refused.value.zh != refused.value.en
    with database.begin() as connection:
        assert connection.execute(select(func.count()).select_from(PROJECTS)).scalar_one() == 0
    assert not [
        judge for judge in Runs(database).judges(Runs(database).find("a")) if judge.spec.startswith("people")
    ]


def test_one_name_is_one_project(database: Database, owner: Account) -> None:
    Projects(database).create(SPEC, owner)
    with pytest.raises(Conflict):
        Projects(database).create(SPEC, owner)
    with pytest.raises(UnknownRun):
        Projects(database).create(replace(SPEC, name="b", runs=("c",)), owner)
    with pytest.raises(NotThere):
        Projects(database).find("没有")


def test_runs_of_other_data_do_not_stand_side_by_side(database: Database, owner: Account) -> None:
    stored_run(database, FLAMES, ITEMS[:3], lambda _item, _turn: Reply(text="答"), "other")
    with pytest.raises(PeopleError, match="one data set"):
        Projects(database).create(replace(SPEC, runs=("a", "other")), owner)


def test_the_judge_is_named_for_what_people_are_told(database: Database, owner: Account) -> None:
    first = Projects(database).create(SPEC, owner)
    run = Runs(database).find("a")
    (judge,) = [one for one in Runs(database).judges(run) if one.spec == "people:甲"]
    assert judge.identity == first.identity
    other = Projects(database).create(replace(SPEC, name="乙", guideline="只看语气。"), owner)
    assert other.identity.partition("@")[2] != first.identity.partition("@")[2]
    assert other.guideline_for(("Fairness",)) == ("只看语气。", False)
    assert first.guideline_for(("Fairness",))[1] is True


def test_members_are_let_in_and_out(database: Database, owner: Account) -> None:
    project = Projects(database).create(SPEC, owner)
    person = Accounts(database).create("王", "", "annotator")
    with pytest.raises(NotAllowed):
        Assignments(database).take(project, person.key)
    Projects(database).set_members(project, [person.key], owner.key)
    assert [one.name for one in Projects(database).members(project)] == ["王"]
    assignment = Assignments(database).take(project, person.key)
    assert assignment is not None
    Projects(database).set_members(project, [], owner.key)
    with pytest.raises(NotAllowed):
        Assignments(database).assignment(assignment.key, person.key)


def overall(database: Database) -> tuple[float | None, int, int]:
    """Run a's harmless rate by the project: value, n, missing."""
    run = Runs(database).find("a")
    judges = [one for one in Runs(database).judges(run) if one.spec == "people:甲"]
    result = run_result(database, run, benchmark_of(run), judges)
    (score,) = [
        one for one in result.judges[0].scores if (one.measure, one.group) == ("harmless_rate", "Fairness")
    ]
    return score.value, score.n, score.missing


def test_scores_follow_every_save_and_every_correction(database: Database) -> None:
    desk = Desk.at(database, replace(SPEC, annotators=3))
    desk.says(0, "i0", "3")
    assert overall(database) == (100.0, 1, 1)
    desk.says(0, "i5", "1")
    assert overall(database) == (50.0, 2, 0)
    desk.says(0, "i5", "3")
    assert overall(database) == (100.0, 2, 0)
    desk.says(1, "i0", "1")
    assert overall(database) == (100.0, 1, 1)  # one against one is a tie
    desk.says(2, "i0", "1")
    assert overall(database) == (50.0, 2, 0)
    desk.says(2, "i0", {}, Submission(token="", levels={}, skip="看不懂"))
    assert overall(database) == (100.0, 1, 1)


def test_a_scale_of_ones_own_is_no_judge_of_the_benchmarks_measures(database: Database) -> None:
    levels = (
        Level(name="不好", points=0, zh="不好", en="bad"),
        Level(name="好", points=1, zh="好", en="good"),
    )
    desk = Desk.at(database, replace(SPEC, subject="own", levels=levels))
    desk.says(0, "i0", "好")
    assert [one.spec for one in Runs(database).judges(Runs(database).find("a"))] == []
    assert desk.project.scale_for(("Fairness",)).levels == levels


def test_a_closed_project_takes_nothing_and_keeps_everything(database: Database) -> None:
    desk = Desk.at(database, SPEC)
    desk.says(0, "i0", "3")
    closed = Projects(database).close(desk.project, desk.owner.key)
    with pytest.raises(Conflict):
        Assignments(database).take(closed, desk.people[0].key)
    desk.project = closed
    with pytest.raises(Conflict):
        desk.says(0, "i1", "3")
    desk.project = Projects(database).reopen(closed, desk.owner.key)
    desk.says(0, "i1", "3")
    assert overall(database) == (100.0, 1, 1)
