"""Many simulated annotators at once, through the site's own pages, and what must hold of the store afterwards."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
from sqlalchemy import select

from liangxin.people.accounts import Account
from liangxin.people.sessions import Sessions
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS, LABELS, RESPONSES, TASKS
from liangxin.store.schema import JUDGEMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInAnnotator:
    """One signed-in annotator."""

    account: Account
    cookies: Mapping[str, str]
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgedSave:
    """One save that the site acknowledged."""

    account: int
    assignment: int
    token: str
    seconds: float


@dataclass
class CrowdOutcome:
    """What a crowd saw."""

    saved: list[AcknowledgedSave] = field(default_factory=list)
    repeated: int = 0
    """Saves that were sent a second time, as after a lost connection."""
    refused: list[str] = field(default_factory=list)
    finished: int = 0
    """People for whom nothing was left."""

    def percentile(self, share: float) -> float:
        """Seconds that this share of saves took at most."""
        ordered = sorted(one.seconds for one in self.saved)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How people work."""

    seconds: float
    """How long all of them work."""
    pause: float = 0.0
    """Mean seconds between reading an answer and saving; each pause is drawn up to twice as long."""
    doubled: float = 0.05
    """The share of saves that are sent twice."""
    seed: int = 0


def signed_in(database: Database, cookie: str, accounts: Sequence[Account]) -> list[SignedInAnnotator]:
    """A session for each account, without the sign-in page."""
    people = []
    for account in accounts:
        opened = Sessions(database).open(account.key)
        people.append(SignedInAnnotator(account=account, cookies={cookie: opened.token}, csrf=opened.csrf))
    return people


async def crowd(base_url: str, project: int, people: Sequence[SignedInAnnotator], pace: Pace) -> CrowdOutcome:
    """Let everybody annotate one project at once."""
    outcome = CrowdOutcome()
    until = time.monotonic() + pace.seconds
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(people):
            generator = random.Random(pace.seed * 1000 + number)
            group.create_task(_work(base_url, project, person, _Shift(pace, until, generator), outcome))
    return outcome


class _Shift(NamedTuple):
    pace: Pace
    until: float
    generator: random.Random


async def _work(
    base_url: str,
    project: int,
    person: SignedInAnnotator,
    shift: _Shift,
    outcome: CrowdOutcome,
) -> None:
    pace, until, generator = shift
    headers = {"X-CSRF-Token": person.csrf}
    address = f"/api/projects/{project}/next"
    async with aiohttp.ClientSession(base_url, cookies=dict(person.cookies), headers=headers) as session:
        while time.monotonic() < until:
            async with session.get(address) as answer:
                found = await answer.json()
            if answer.status != 200:
                outcome.refused.append(str(found))
                return
            task = found["task"]
            if task is None:
                outcome.finished += 1
                return
            if pace.pause:
                await asyncio.sleep(generator.uniform(0, 2 * pace.pause))
            address = f"/api/projects/{project}/next?counted=1"  # as the page asks after a save
            body = submission(task, generator)
            times = 2 if generator.random() < pace.doubled else 1
            for attempt in range(times):
                before = time.perf_counter()
                async with session.post(f"/api/assignments/{task['assignment']}", json=body) as answer:
                    said = await answer.json()
                if answer.status != 200:
                    outcome.refused.append(str(said))
                    return
                if attempt:
                    outcome.repeated += 1
                else:
                    outcome.saved.append(
                        AcknowledgedSave(
                            account=person.account.key,
                            assignment=task["assignment"],
                            token=body["token"],
                            seconds=time.perf_counter() - before,
                        )
                    )


def submission(task: Mapping[str, Any], generator: random.Random) -> dict[str, Any]:
    """A level for every turn that needs one."""
    levels = {
        f"{candidate['place']}:{turn['turn']}": generator.choice(candidate["levels"])["name"]
        for candidate in task["candidates"]
        for turn in candidate["turns"]
        if turn["judgeable"]
    }
    return {
        "token": secrets.token_hex(16),
        "base_version": 0,
        "levels": levels,
        "comment": "",
        "spans": [],
        "best": [],
        "none_good": False,
        "points": None,
        "own_answer": "",
        "skip": None,
        "seconds": 1.0,
    }


def faults(database: Database, project: int, saved: Sequence[AcknowledgedSave]) -> list[str]:
    """What is wrong in the store after a crowd: double assignments and lost verdicts, a sentence each."""
    with database.begin() as connection:
        assignments = connection.execute(select(ASSIGNMENTS).where(ASSIGNMENTS.c.project == project)).all()
        tasks = connection.execute(select(TASKS).where(TASKS.c.project == project)).all()
        responses = connection.execute(select(RESPONSES).where(RESPONSES.c.project == project)).all()
        labels = connection.execute(select(LABELS).where(LABELS.c.project == project)).all()
        mirrored = connection.execute(
            select(JUDGEMENTS.c.annotator).where(JUDGEMENTS.c.annotator != "")
        ).all()
    said: list[str] = []
    wanted = {row.key: row.seats for row in tasks}
    done = Counter(row.task for row in assignments if row.state == "done")
    said += [
        f"task {key}: {count} people, {wanted[key]} wanted"
        for key, count in done.items()
        if count > wanted[key]
    ]
    twice = Counter((row.task, row.account) for row in assignments if row.account is not None)
    said += [
        f"task {task}: account {account} sits there twice" for (task, account), n in twice.items() if n > 1
    ]
    stored = {row.token: row for row in responses}
    for one in saved:
        row = stored.get(one.token)
        if row is None or (row.seat, row.account) != (one.assignment, one.account):
            said.append(f"the save {one.token} of account {one.account} is lost")
    if len(stored) != len(saved):
        said.append(f"{len(stored)} responses are stored, {len(saved)} were acknowledged")
    if len(labels) != len(mirrored):
        said.append(f"{len(labels)} labels, but {len(mirrored)} judgements of the run")
    return said
