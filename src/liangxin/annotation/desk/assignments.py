"""Assignments: a task as given to one person. One is somebody's for good, so that nothing late is ever lost.

An assignment is free, taken, done, skipped, or overdue: its lease ran out, and a free one was put beside it for
somebody else. Whoever holds an overdue assignment may still save; the free one beside it is then taken away if nobody has it.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from liangxin.annotation.desk.open_work import (
    FINISHED,
    HELD,
    free_tasks,
    gold_left,
    gold_unassigned,
    open_assignments,
)
from liangxin.annotation.projects import Project, Projects
from liangxin.digests import canonical
from liangxin.errors import Conflict, NotAllowed, NotThere
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS, CANDIDATES, TASKS

LEASE_SECONDS = 30 * 60.0
_NEAR = 12
"""People who ask at the same moment choose among so many assignments, so that they do not all want one."""
_TRIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One person's place at a task."""

    key: int
    project: int
    task: int
    number: int
    account: int | None
    state: str
    order: tuple[int, ...]
    """The candidates in the order in which this person sees them."""
    until: float | None
    """When the lease ends."""
    done: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorProgress:
    """How far one person is."""

    done: int
    left: int
    total: int
    today: int
    goal: int


class Assignments:
    """The assignments of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def take(self, project: Project, account: int) -> Assignment | None:
        """The next assignment for a person: the one already held, else a gold question that is due, else a free one.

        Never two people on one assignment, never one person twice on a task. None where nothing is left.

        Raises:
            Conflict: the project is closed.
            NotAllowed: the person is no member.
        """
        if project.state != "open":
            raise closed_project()
        Projects(self.database).check_member(project, account)
        self._put_beside_overdue(project)
        held = self._held(project, account)
        if held is not None:
            return self._again(held)
        return self._gold(project, account) or self._free(project, account)

    def assignment(self, key: int, account: int) -> Assignment:
        """A person's own assignment.

        Raises:
            NotThere: no such assignment.
            NotAllowed: it is another person's, or nobody's.
        """
        with self.database.read() as connection:
            return own_assignment(connection, key, account)

    def extend(self, assignment: Assignment) -> Assignment:
        """Keep an assignment that somebody is working at."""
        return self._again(assignment) if assignment.state in HELD else assignment

    def release(self, assignment: Assignment) -> None:
        """Give an assignment back untouched."""
        with self.database.write() as connection:
            free = {"state": "free", "account": None, "until": None, "taken": None, "order": ""}
            connection.execute(
                update(ASSIGNMENTS)
                .where(ASSIGNMENTS.c.key == assignment.key, ASSIGNMENTS.c.state == "taken")
                .values(**free)
            )

    def done(self, project: Project, account: int, limit: int) -> list[Assignment]:
        """The assignments that a person has finished, the newest first."""
        query = (
            select(ASSIGNMENTS)
            .where(
                ASSIGNMENTS.c.project == project.key,
                ASSIGNMENTS.c.account == account,
                ASSIGNMENTS.c.state.in_(FINISHED),
            )
            .order_by(ASSIGNMENTS.c.done.desc(), ASSIGNMENTS.c.key.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_assignment(row) for row in connection.execute(query)]

    def progress(self, project: Project, account: int) -> AnnotatorProgress:
        """How far a person is; days begin at midnight by the server's clock."""
        with self.database.read() as connection:
            return progress_of(connection, project, account)

    def _put_beside_overdue(self, project: Project) -> None:
        """Free a further assignment at each task whose assignment was taken and not used in time."""
        late = (
            ASSIGNMENTS.c.project == project.key,
            ASSIGNMENTS.c.state == "taken",
            ASSIGNMENTS.c.until < time.time(),
        )
        with self.database.read() as connection:
            if connection.execute(select(ASSIGNMENTS.c.key).where(*late).limit(1)).first() is None:
                return
        # Two who do it at once divide the assignments between them, and lock the tasks in one order.
        query = (
            select(ASSIGNMENTS.c.key, ASSIGNMENTS.c.task)
            .where(*late)
            .order_by(ASSIGNMENTS.c.task, ASSIGNMENTS.c.key)
        )
        with self.database.write() as connection:
            found = connection.execute(query.with_for_update(skip_locked=True, key_share=True)).all()
            overdue = update(ASSIGNMENTS).where(ASSIGNMENTS.c.key.in_([row.key for row in found]))
            connection.execute(overdue.values(state="overdue"))
            for row in found:
                add_assignment(connection, project.key, row.task)

    def _held(self, project: Project, account: int) -> Assignment | None:
        query = (
            select(ASSIGNMENTS)
            .where(
                ASSIGNMENTS.c.project == project.key,
                ASSIGNMENTS.c.account == account,
                ASSIGNMENTS.c.state.in_(HELD),
            )
            .order_by(ASSIGNMENTS.c.taken)
            .limit(1)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _assignment(row)

    def _again(self, assignment: Assignment) -> Assignment:
        """The assignment with a fresh lease; what was put beside it goes away if nobody has it."""
        with self.database.write() as connection:
            held = update(ASSIGNMENTS).where(
                ASSIGNMENTS.c.key == assignment.key, ASSIGNMENTS.c.state.in_(HELD)
            )
            connection.execute(held.values(state="taken", until=time.time() + LEASE_SECONDS))
            if assignment.state == "overdue":
                drop_spare(connection, assignment.task)
            return _assignment(
                connection.execute(select(ASSIGNMENTS).where(ASSIGNMENTS.c.key == assignment.key)).one()
            )

    def _gold(self, project: Project, account: int) -> Assignment | None:
        """A gold question, where one is due: they are mixed in at places that the seed decides for each person."""
        with self.database.read() as connection:
            gold = connection.execute(gold_left(project, account)).scalars().all()
            if not gold:
                return None
            done = finished(connection, project, account)
            left = progress_of(connection, project, account).left
        lot = random.Random(f"{project.identity}/{account}/{done}")
        if lot.randrange(max(left, len(gold))) >= len(gold):
            return None
        task = lot.choice(gold)
        with self.database.write() as connection:
            spare = (
                select(ASSIGNMENTS.c.key)
                .where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.state == "free")
                .limit(1)
            )
            key = connection.execute(spare).scalar() or add_assignment(connection, project.key, task)
            return _hand_over(connection, project, key, account)

    def _free(self, project: Project, account: int) -> Assignment | None:
        """A free assignment, at a task that others have begun if there is one, so that overlap is complete early."""
        lot = random.Random(f"{account}/{time.time_ns()}")
        for _ in range(_TRIES):
            with self.database.read() as connection:
                found = connection.execute(open_assignments(project, account)).all()
            keys = [row.key for row in found if row.begun] or [row.key for row in found]
            if not keys:
                return None
            with self.database.write() as connection:
                assignment = _hand_over(connection, project, lot.choice(keys[:_NEAR]), account)
            if assignment is not None:
                return assignment
        raise Conflict(
            "太多人同时在取题，请再试一次。", "Too many people are asking for a task at once; try again."
        )


def own_assignment(connection: Connection, key: int, account: int, *, lock: bool = False) -> Assignment:
    """A person's own assignment; errors as `Assignments.assignment`.

    Args:
        lock: keep the row for this transaction.
    """
    query = select(ASSIGNMENTS).where(ASSIGNMENTS.c.key == key)
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotThere("没有这个分派。", "There is no such assignment.")
    if row.account != account:
        raise NotAllowed(
            "这道题分给了别人，没有任何改动。", "This assignment is another person's; nothing was changed."
        )
    return _assignment(row)


def add_assignment(connection: Connection, project: int, task: int) -> int:
    """Put a further free assignment at a task; gives its key."""
    # Two transactions that add at once must not count the same number.
    connection.execute(select(TASKS.c.key).where(TASKS.c.key == task).with_for_update(key_share=True))
    highest = (
        connection.execute(select(func.max(ASSIGNMENTS.c.number)).where(ASSIGNMENTS.c.task == task)).scalar()
        or 0
    )
    values = {"project": project, "task": task, "number": highest + 1, "state": "free", "order": ""}
    connection.execute(insert(ASSIGNMENTS), [values])
    added = select(ASSIGNMENTS.c.key).where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.number == highest + 1)
    return int(connection.execute(added).scalar_one())


def assignment_at(connection: Connection, project: Project, task: int, account: int) -> Assignment:
    """A person's assignment at one task: their own, else a free or a further one, so that work done elsewhere counts."""
    mine = select(ASSIGNMENTS).where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.account == account)
    row = connection.execute(mine).one_or_none()
    if row is not None:
        return _assignment(row)
    free = select(ASSIGNMENTS.c.key).where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.state == "free").limit(1)
    key = connection.execute(free.with_for_update(skip_locked=True, key_share=True)).scalar()
    assignment = _hand_over(
        connection, project, key or add_assignment(connection, project.key, task), account
    )
    if assignment is None:
        raise Conflict(
            "太多人同时在取题，请再试一次。", "Too many people are asking for a task at once; try again."
        )
    return assignment


def drop_spare(connection: Connection, task: int) -> None:
    """Take away one free assignment of a task that has more assignments in use than it wants."""
    wanted = connection.execute(
        select(TASKS.c.seats).where(TASKS.c.key == task).with_for_update(key_share=True)
    ).scalar_one()
    used = select(func.count()).where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.state.in_(("taken", "done")))
    free = (
        select(ASSIGNMENTS.c.key)
        .where(ASSIGNMENTS.c.task == task, ASSIGNMENTS.c.state == "free")
        .order_by(ASSIGNMENTS.c.number.desc())
    )
    keys = connection.execute(free).scalars().all()
    if keys and connection.execute(used).scalar_one() + len(keys) > wanted:
        connection.execute(
            delete(ASSIGNMENTS).where(ASSIGNMENTS.c.key == keys[0], ASSIGNMENTS.c.state == "free")
        )


def progress_of(connection: Connection, project: Project, account: int) -> AnnotatorProgress:
    """How far a person is."""
    now = time.localtime()
    midnight = time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 0, 0, 0, 0, 0, -1))
    finished = ASSIGNMENTS.c.state.in_(FINISHED)
    free = free_tasks(project, account).with_only_columns(func.count(ASSIGNMENTS.c.task.distinct()))
    mine = select(
        func.count(case((finished, 1))),
        func.count(case((and_(finished, ASSIGNMENTS.c.done >= midnight), 1))),
        func.count(case((ASSIGNMENTS.c.state.in_(HELD), 1))),
        free.scalar_subquery(),
        gold_unassigned(project, account).scalar_subquery(),
    ).where(ASSIGNMENTS.c.project == project.key, ASSIGNMENTS.c.account == account)
    done, today, held, others, gold = connection.execute(mine).one()
    left = held + others + gold
    return AnnotatorProgress(done=done, left=left, total=done + left, today=today, goal=project.spec.goal)


def closed_project() -> Conflict:
    """What a closed project says."""
    return Conflict(
        "这个项目已经关闭；你的内容还在本页，请联系负责人重新打开。",
        "This project is closed; what you entered is still on this page. Ask its owner to reopen it.",
    )


def _hand_over(connection: Connection, project: Project, key: int, account: int) -> Assignment | None:
    """Take a free assignment, unless somebody was quicker or this person has its task already."""
    row = connection.execute(
        select(ASSIGNMENTS).where(ASSIGNMENTS.c.key == key).with_for_update(key_share=True)
    ).one_or_none()
    if row is None or row.state != "free":
        return None
    here = select(ASSIGNMENTS.c.key).where(ASSIGNMENTS.c.task == row.task, ASSIGNMENTS.c.account == account)
    if connection.execute(here).first() is not None:
        return None
    now = time.time()
    values = {
        "state": "taken",
        "account": account,
        "order": canonical(order_for(connection, project, row.task, account)),
        "taken": now,
        "until": now + LEASE_SECONDS,
    }
    taken = update(ASSIGNMENTS).where(ASSIGNMENTS.c.key == key).values(**values).returning(ASSIGNMENTS)
    return _assignment(connection.execute(taken).one())


def order_for(connection: Connection, project: Project, task: int, account: int) -> list[int]:
    """The candidates of a task in a random order of this person's own."""
    candidates = list(
        connection.execute(
            select(CANDIDATES.c.slot).where(CANDIDATES.c.task == task).order_by(CANDIDATES.c.slot)
        ).scalars()
    )
    random.Random(f"{project.spec.seed}/{project.key}/{task}/{account}").shuffle(candidates)
    return candidates


def finished(connection: Connection, project: Project, account: int) -> int:
    """How many tasks a person has finished."""
    query = select(func.count()).where(
        ASSIGNMENTS.c.project == project.key,
        ASSIGNMENTS.c.account == account,
        ASSIGNMENTS.c.state.in_(FINISHED),
    )
    return int(connection.execute(query).scalar_one())


def _assignment(row: Any) -> Assignment:
    return Assignment(
        key=row.key,
        project=row.project,
        task=row.task,
        number=row.number,
        account=row.account,
        state=row.state,
        order=tuple(json.loads(row.order)) if row.order else (),
        until=row.until,
        done=row.done,
    )
