"""A project with annotators who say what a test wants, through the same saving as the site's."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, update

from liangxin.annotation.desk.assignments import Assignment, Assignments, add_assignment
from liangxin.annotation.desk.candidates import candidates_of
from liangxin.annotation.desk.places import At
from liangxin.annotation.desk.saving import Saved, Submission, save
from liangxin.annotation.projects import Project, Projects, ProjectSpec
from liangxin.digests import digest
from liangxin.people.accounts import Account, Accounts
from liangxin.records import Item, Reply
from liangxin.specs import Benchmark
from liangxin.store import Database, NewRun, RunRecord, Runs, Writer, dialogues
from liangxin.store.judgements import AttemptKey
from liangxin.store.people import ASSIGNMENTS, CANDIDATES, RESPONSES, TASKS

Levels = Mapping[tuple[int, int], str]
"""(candidate, turn) -> level."""
NOTHING = Submission(token="", levels={})


@dataclass
class Desk:
    """A project, who runs it, and its annotators."""

    database: Database
    project: Project
    owner: Account
    adjudicator: Account
    people: Sequence[Account]

    @classmethod
    def at(cls, database: Database, spec: ProjectSpec, people: int = 3) -> Desk:
        """A new project with an owner, an adjudicator and so many annotators."""
        accounts = Accounts(database)
        owner = accounts.by_name("负责人") or accounts.create("负责人", "", "owner")
        adjudicator = accounts.by_name("裁决员") or accounts.create("裁决员", "", "adjudicator")
        found = []
        project = Projects(database).create(spec, owner)
        for number in range(1, people + 1):
            name = f"标注员{number}"
            person = accounts.by_name(name) or accounts.create(name, "", "annotator")
            Projects(database).add_member(project, person.key)
            found.append(person)
        return cls(database=database, project=project, owner=owner, adjudicator=adjudicator, people=found)

    def task(self, item: str) -> int:
        """The key of an item's task."""
        query = select(TASKS.c.key).where(TASKS.c.project == self.project.key, TASKS.c.item == item)
        with self.database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def answer(self, item: str, candidate: int = 0, turn: int = 1) -> At:
        """One answer."""
        return At(task=self.task(item), candidate=candidate, turn=turn)

    def says(self, person: int, item: str, levels: str | Levels, more: Submission = NOTHING) -> Saved:
        """Let an annotator (0, 1, …) judge a task, or correct it.

        Args:
            levels: one level for every answer, or by (candidate, turn).
            more: comment, spans, points, … with candidates in the stead of places.
        """
        account = self.people[person]
        task = self.task(item)
        assignment, version = self._assignment(task, account)
        place = {candidate: place for place, candidate in enumerate(assignment.order)}
        given = self._every(task, levels) if isinstance(levels, str) else levels
        submission = replace(
            more,
            token=secrets.token_hex(16),
            base_version=version,
            levels={(place[candidate], turn): level for (candidate, turn), level in given.items()},
            spans=[replace(one, place=place[one.place]) for one in more.spans],
            best=[place[candidate] for candidate in more.best],
        )
        return save(self.database, self.project, assignment, account.key, submission)

    def _every(self, task: int, level: str) -> Levels:
        found = candidates_of(self.database, self.project, task)
        return {
            (one.number, turn.turn): level for one in found.candidates for turn in one.turns if turn.judgeable
        }

    def _assignment(self, task: int, account: Account) -> tuple[Assignment, int]:
        """The person's assignment at a task, taken if need be, and the version of what they said there."""
        mine = select(ASSIGNMENTS.c.key).where(
            ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.account == account.key
        )
        with self.database.write() as connection:
            key = connection.execute(mine).scalar()
            if key is None:
                free = (
                    select(ASSIGNMENTS.c.key)
                    .where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.state == "free")
                    .limit(1)
                )
                key = connection.execute(free).scalar() or add_assignment(connection, self.project.key, task)
                candidates = (
                    connection.execute(select(CANDIDATES.c.slot).where(CANDIDATES.c.task == task))
                    .scalars()
                    .all()
                )
                order = sorted(
                    candidates, key=lambda candidate: digest([task, candidate, account.key], length=8)
                )
                now = time.time()
                taken = {"state": "taken", "account": account.key, "order": json.dumps(order)}
                sit = update(ASSIGNMENTS).where(ASSIGNMENTS.c.key == key)
                connection.execute(sit.values(**taken, taken=now, until=now + 600))
            versions = select(RESPONSES.c.version).where(RESPONSES.c.seat == key)
            version = max(connection.execute(versions).scalars(), default=0)
        return Assignments(self.database).assignment(key, account.key), version


def stored_run(
    database: Database,
    benchmark: Benchmark,
    items: Sequence[Item],
    answer: Callable[[Item, int], Reply],
    name: str,
) -> RunRecord:
    """A run of one trial in which every turn was asked, as the engine would leave it."""
    runs = Runs(database)
    data = digest([item.id for item in items], length=64)
    dataset = runs.dataset(benchmark.name, benchmark.version, data) or runs.add_dataset(
        benchmark.name, benchmark.version, data, items
    )
    model = f"openai:{name}"
    new = NewRun(
        id=digest([benchmark.name, model, data], length=12),
        name=name,
        dataset=dataset,
        benchmark=benchmark.name,
        model=model,
        trials=1,
        sample=False,
        manifest={"identity": {"model": model}, "model_spec": model, "data": "items.jsonl"},
    )
    run = runs.create(new, [(place, place) for place in range(len(items))])
    run = runs.update(run, name=name, units=len(items))
    with Writer(database) as writer:
        for stored in dialogues(database, run):
            for exchange in stored.dialogue.exchanges:
                reply = answer(stored.dialogue.item, exchange.turn)
                writer.turn(AttemptKey(run.key, stored.rank, 1, exchange.turn, 1), reply)
    return run
