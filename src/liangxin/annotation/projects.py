"""Projects: which answers people judge, on which scale, how many people each."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, cast

from sqlalchemy import Connection, delete, insert, select, update

from liangxin.annotation.task_selection import Chosen, Take, choose
from liangxin.digests import canonical, digest
from liangxin.engine.stored import benchmark_of
from liangxin.errors import Conflict, NotAllowed, NotThere, PeopleError
from liangxin.people import audit
from liangxin.people.accounts import Account, Accounts
from liangxin.records import Level, Scale
from liangxin.specs import Benchmark, scale_of
from liangxin.store import Database, RunRecord, Runs
from liangxin.store.people import ASSIGNMENTS, CANDIDATES, MEMBERS, PROJECTS, TASKS
from liangxin.traits import JudgeTraits

Kind = Literal["grade", "expert"]
Subject = Literal["primary", "safety", "refusal", "own"]
POINTS = tuple(str(point) for point in range(1, 11))
"""The levels of an expert's scale: CValues' experts give the best answer 1 to 10 points (arXiv:2307.09705)."""
_NAME = re.compile(r"[^\W_][\w.-]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSpec:
    """What a project is made of."""

    name: str
    """Letters, digits, `-`, `_`, `.`: it stands in the judge's SPEC, `people:NAME`."""
    runs: tuple[str, ...]
    """Names or ids of runs of one benchmark and data set."""
    kind: Kind = "grade"
    subject: Subject = "primary"
    """The scale: the benchmark's own, safe/unsafe, refusal, or the levels given here."""
    levels: tuple[Level, ...] = ()
    """A scale of the owner's own, worst level first."""
    guideline: str = ""
    """The owner's own guideline; empty: the benchmark's rubric."""
    take: Take = Take()
    annotators: int = 1
    """How many people see a task that overlaps."""
    overlap: float = 1.0
    """The share of tasks that overlap; the others are seen by one person."""
    goal: int = 0
    """Tasks a day for each person; 0 is none."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project as stored, with the benchmark that its runs are of."""

    key: int
    name: str
    kind: Kind
    state: Literal["open", "closed"]
    created: float
    made_by: int | None
    spec: ProjectSpec
    runs: tuple[RunRecord, ...]

    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark of the project's runs."""
        return benchmark_of(self.runs[0])

    @property
    def identity(self) -> str:
        """The judge's identity: it changes with the scale and the guideline."""
        return f"people:{self.name}@{digest(manifest(self.spec, self.benchmark))}"

    @property
    def combining(self) -> Literal["majority", "mean"]:
        """How several people's levels become one."""
        return "majority" if self.spec.subject == "own" else self.benchmark.annotators

    @property
    def mirrored(self) -> bool:
        """Whether the verdicts are a judge's of the runs: not on a scale that no measure reads."""
        return self.spec.subject != "own" and (self.kind == "grade" or _has_points(self.scale_for(())))

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The scale for an item of that category."""
        if self.spec.subject == "own":
            return Scale(name="own", levels=self.spec.levels, passing=frozenset())
        return scale_of(self.spec.subject, self.benchmark, category)

    def guideline_for(self, category: tuple[str, ...]) -> tuple[str, bool]:
        """What annotators are told, and whether it is our reading of a guideline that was not published."""
        if self.spec.guideline:
            return self.spec.guideline, False
        return self.benchmark.rubric.for_category(category), self.benchmark.rubric.ours


class Projects:
    """The projects of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, spec: ProjectSpec, made_by: Account) -> Project:
        """A new project with its tasks and assignments, whole or not at all; its judge is entered in every run.

        Raises:
            PeopleError: the name, the runs, the scale or the numbers are not as they must be.
            Conflict: the name is taken.
        """
        runs = self._runs(spec)
        benchmark = benchmark_of(runs[0])
        _check(spec, benchmark)
        chosen = choose(self.database, runs, benchmark, spec.take, seed=f"{spec.name}/{spec.seed}")
        wanted = _wanted(spec, len(chosen))
        content = {**asdict(spec), "runs": [run.id for run in runs]}
        with self.database.write() as connection:
            if connection.execute(select(PROJECTS.c.key).where(PROJECTS.c.name == spec.name)).first():
                raise Conflict(
                    f"已经有名为“{spec.name}”的项目，请换一个名字。",
                    f"There is a project {spec.name!r} already; choose another name.",
                )
            values = {
                "name": spec.name,
                "kind": spec.kind,
                "state": "open",
                "made_by": made_by.key,
                "created": time.time(),
                "content": canonical(content),
            }
            connection.execute(insert(PROJECTS), [values])
            key = connection.execute(select(PROJECTS.c.key).where(PROJECTS.c.name == spec.name)).scalar_one()
            _add_tasks(connection, key, chosen, wanted)
            _add_member(connection, key, made_by.key)
            audit.note(connection, made_by.key, "project made", project=spec.name, tasks=len(chosen))
        project = self.by_key(key)
        if project.mirrored:
            for run in runs:
                Runs(self.database).add_judge(
                    run,
                    project.identity,
                    f"people:{spec.name}",
                    spec.subject,
                    manifest(spec, benchmark),
                    JudgeTraits(people=True),
                )
        return project

    def find(self, name: str | int) -> Project:
        """The project of that name or key.

        Raises:
            NotThere: none.
        """
        condition = PROJECTS.c.key == name if isinstance(name, int) else PROJECTS.c.name == name
        return self._one(condition)

    def by_key(self, key: int) -> Project:
        """The project of that key; errors as `find`."""
        return self._one(PROJECTS.c.key == key)

    def all(self) -> list[Project]:
        """Every project, the newest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(PROJECTS).order_by(PROJECTS.c.key.desc())).all()
        return self._made(rows)

    def of(self, account: Account) -> list[Project]:
        """The projects that a person is a member of, the newest first."""
        mine = select(MEMBERS.c.project).where(MEMBERS.c.account == account.key)
        query = select(PROJECTS).where(PROJECTS.c.key.in_(mine)).order_by(PROJECTS.c.key.desc())
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return self._made(rows)

    def members(self, project: Project) -> list[Account]:
        """Who judges, in the order of their accounts."""
        with self.database.read() as connection:
            query = select(MEMBERS.c.account).where(MEMBERS.c.project == project.key)
            keys = set(connection.execute(query).scalars())
        return [account for account in Accounts(self.database).all() if account.key in keys]

    def check_member(self, project: Project, account: int) -> None:
        """Let members through.

        Raises:
            NotAllowed: the person is not one.
        """
        query = select(MEMBERS.c.account).where(
            MEMBERS.c.project == project.key, MEMBERS.c.account == account
        )
        with self.database.read() as connection:
            if connection.execute(query).first() is None:
                raise NotAllowed(
                    "你不是这个项目的成员，请联系负责人。",
                    "You are not a member of this project; ask its owner.",
                )

    def add_member(self, project: Project, account: int) -> None:
        """Let a person judge; adding a member again changes nothing."""
        with self.database.write() as connection:
            _add_member(connection, project.key, account)

    def set_members(self, project: Project, accounts: Iterable[int], by: int) -> None:
        """Let exactly these judge. What the others said stays, and what they had begun is free again."""
        wanted = set(accounts)
        query = select(MEMBERS.c.account).where(MEMBERS.c.project == project.key)
        with self.database.write() as connection:
            before = set(connection.execute(query).scalars())
            for account in before - wanted:
                _remove_member(connection, project.key, account)
            for account in wanted - before:
                _add_member(connection, project.key, account)
            audit.note(connection, by, "members set", project=project.name, members=sorted(wanted))

    def close(self, project: Project, account: int) -> Project:
        """Nothing can be taken or saved any more; everything stays."""
        return self._set(project, account, "closed")

    def reopen(self, project: Project, account: int) -> Project:
        """Go on."""
        return self._set(project, account, "open")

    def _set(self, project: Project, account: int, state: str) -> Project:
        with self.database.write() as connection:
            connection.execute(update(PROJECTS).where(PROJECTS.c.key == project.key).values(state=state))
            audit.note(connection, account, f"project {state}", project=project.name)
        return self.by_key(project.key)

    def _runs(self, spec: ProjectSpec) -> list[RunRecord]:
        if not spec.runs:
            raise PeopleError("请选择至少一次运行。", "Choose at least one run.")
        runs = list({run.key: run for run in map(Runs(self.database).find, spec.runs)}.values())
        if len({run.dataset for run in runs}) > 1:
            raise PeopleError(
                "所选的运行不是同一份数据，答案不能并排比较；请只选同一基准、同一数据的运行。",
                "The runs are not of one data set: their answers cannot stand side by side. Choose runs of one "
                "benchmark and data file.",
            )
        return runs

    def _one(self, condition: Any) -> Project:
        with self.database.read() as connection:
            rows = connection.execute(select(PROJECTS).where(condition)).all()
        found = self._made(rows)
        if not found:
            raise NotThere("没有这个项目。", "There is no such project.")
        return found[0]

    def _made(self, rows: Sequence[Any]) -> list[Project]:
        wanted = {identifier for row in rows for identifier in json.loads(row.content)["runs"]}
        stored = {identifier: Runs(self.database).by_id(identifier) for identifier in wanted}
        runs = {identifier: run for identifier, run in stored.items() if run is not None}
        return [_project(row, runs) for row in rows]


def manifest(spec: ProjectSpec, benchmark: Benchmark) -> dict[str, object]:
    """What makes the judge: scale, guideline, how verdicts combine. Who judged stands with each verdict."""
    rubric = spec.guideline or dict(benchmark.rubric.text)
    scales: object = [level.name for level in spec.levels] or {
        top: [level.name for level in scale.levels] for top, scale in benchmark.scales.items()
    }
    return {
        "kind": "people",
        "way": spec.kind,
        "subject": spec.subject,
        "guideline": rubric,
        "ours": benchmark.rubric.ours and not spec.guideline,
        "scales": scales,
        "annotators": spec.annotators,
        "overlap": spec.overlap,
    }


def _check(spec: ProjectSpec, benchmark: Benchmark) -> None:
    if not _NAME.fullmatch(spec.name):
        raise PeopleError(
            "项目名用字母、汉字、数字和 - _ .，1 到 60 个字符，以字母、汉字或数字开头。",
            "A project's name has 1 to 60 letters, digits, - _ or ., and begins with a letter or digit.",
        )
    if not 1 <= spec.annotators <= 50 or not 0 <= spec.overlap <= 1 or not 0 <= spec.goal <= 10_000:
        raise PeopleError(
            "每题人数应在 1 到 50 之间，重叠比例在 0 到 100% 之间，每日目标不超过 10000。",
            "Annotators should be 1 to 50, the overlap 0 to 100 %, the daily goal at most 10,000.",
        )
    if len(spec.guideline) > 20_000:
        raise PeopleError("说明最多 20000 字。", "The guideline has at most 20,000 characters.")
    if benchmark.kind == "choice" and spec.subject != "primary":
        raise PeopleError("选择题只能用它自己的量表。", "Choice items can be judged on their own scale only.")
    if spec.subject == "own":
        _check_own(spec.levels)


def _check_own(levels: Sequence[Level]) -> None:
    names = [level.name for level in levels]
    if (
        not 2 <= len(names) <= 20
        or len(set(names)) < len(names)
        or not all(0 < len(one) <= 40 for one in names)
    ):
        raise PeopleError(
            "自己的量表要有 2 到 20 个不同的等级，每个名字不超过 40 个字符。",
            "A scale of your own has 2 to 20 different levels, each name of at most 40 characters.",
        )


def _has_points(scale: Scale) -> bool:
    return all(scale.level(point) is not None for point in POINTS)


def _wanted(spec: ProjectSpec, tasks: int) -> list[int]:
    """How many people each task gets: a seeded random share of `overlap` gets all of `annotators`."""
    import random

    shared = random.Random(f"{spec.name}/{spec.seed}/overlap").sample(
        range(tasks), round(spec.overlap * tasks)
    )
    overlapping = set(shared)
    return [spec.annotators if number in overlapping else 1 for number in range(tasks)]


def _add_tasks(connection: Connection, project: int, chosen: Sequence[Chosen], wanted: Sequence[int]) -> None:
    rows = [
        {
            "project": project,
            "position": position,
            "item": task.item,
            "category": "/".join(task.category),
            "seats": wanted[position],
            "gold": None,
        }
        for position, task in enumerate(chosen)
    ]
    connection.execute(insert(TASKS), rows)
    query = select(TASKS.c.position, TASKS.c.key).where(TASKS.c.project == project)
    keys = {row.position: row.key for row in connection.execute(query)}
    candidates = [
        {"task": keys[position], "slot": candidate, "run": run, "rank": rank, "trial": trial}
        for position, task in enumerate(chosen)
        for candidate, (run, rank, trial) in enumerate(task.dialogues)
    ]
    connection.execute(insert(CANDIDATES), candidates)
    free = [
        {"project": project, "task": keys[position], "number": number, "state": "free", "order": ""}
        for position in range(len(chosen))
        for number in range(1, wanted[position] + 1)
    ]
    connection.execute(insert(ASSIGNMENTS), free)


def _add_member(connection: Connection, project: int, account: int) -> None:
    at = (MEMBERS.c.project == project, MEMBERS.c.account == account)
    if connection.execute(select(MEMBERS.c.account).where(*at)).first() is None:
        connection.execute(
            insert(MEMBERS), [{"project": project, "account": account, "created": time.time()}]
        )


def _remove_member(connection: Connection, project: int, account: int) -> None:
    connection.execute(delete(MEMBERS).where(MEMBERS.c.project == project, MEMBERS.c.account == account))
    mine = (
        ASSIGNMENTS.c.project == project,
        ASSIGNMENTS.c.account == account,
        ASSIGNMENTS.c.state == "taken",
    )
    free = {"state": "free", "account": None, "until": None, "order": ""}
    connection.execute(update(ASSIGNMENTS).where(*mine).values(**free))


def _project(row: Any, runs: Mapping[str, RunRecord]) -> Project:
    content: dict[str, Any] = json.loads(row.content)
    content["levels"] = tuple(Level(**level) for level in content["levels"])
    content["take"] = Take(**content["take"])
    content["runs"] = tuple(content["runs"])
    spec = ProjectSpec(**content)
    return Project(
        key=row.key,
        name=row.name,
        kind=cast("Kind", row.kind),
        state=cast("Literal['open', 'closed']", row.state),
        created=row.created,
        made_by=row.made_by,
        spec=spec,
        runs=tuple(runs[identifier] for identifier in spec.runs),
    )
