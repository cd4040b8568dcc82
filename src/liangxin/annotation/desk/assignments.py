"""Seats: a place at a task for one person. A seat is somebody's for good, so that nothing late is ever lost.

A seat is free, taken, done, skipped, or overdue: its lease ran out, and a free one was put beside it for somebody
else. Whoever holds an overdue seat may still save; the free one beside it is then taken away if nobody has it.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from liangxin.annotation.projects import Project, Projects
from liangxin.digests import canonical
from liangxin.errors import Conflict, NotAllowed, NotThere
from liangxin.store import Database
from liangxin.store.people import DECISIONS, SEATS, SLOTS, TASKS

LEASE_SECONDS = 30 * 60.0
_HELD = ("taken", "overdue")
_FINISHED = ("done", "skipped")
_NEAR = 12
"""People who ask at the same moment choose among so many seats, so that they do not all want one."""
_WINDOW = 240
"""So many free seats are looked through for one at a task that somebody has begun."""
_TRIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person's place at a task."""

    key: int
    project: int
    task: int
    number: int
    account: int | None
    state: str
    order: tuple[int, ...]
    """The slots in the order in which this person sees them."""
    until: float | None
    """When the lease ends."""
    done: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one person is."""

    done: int
    left: int
    total: int
    today: int
    goal: int


class Seats:
    """The seats of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def take(self, project: Project, account: int) -> Seat | None:
        """The next seat for a person: the one already held, else a gold question that is due, else a free seat.

        Never two people on one seat, never one person twice on a task. None where nothing is left.

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

    def seat(self, key: int, account: int) -> Seat:
        """A person's own seat.

        Raises:
            NotThere: no such seat.
            NotAllowed: it is another person's, or nobody's.
        """
        with self.database.read() as connection:
            return own_seat(connection, key, account)

    def extend(self, seat: Seat) -> Seat:
        """Keep a seat that somebody is working at."""
        return self._again(seat) if seat.state in _HELD else seat

    def release(self, seat: Seat) -> None:
        """Give a seat back untouched."""
        with self.database.write() as connection:
            free = {"state": "free", "account": None, "until": None, "taken": None, "order": ""}
            connection.execute(
                update(SEATS).where(SEATS.c.key == seat.key, SEATS.c.state == "taken").values(**free)
            )

    def done(self, project: Project, account: int, limit: int) -> list[Seat]:
        """The seats that a person has finished, the newest first."""
        query = (
            select(SEATS)
            .where(SEATS.c.project == project.key, SEATS.c.account == account, SEATS.c.state.in_(_FINISHED))
            .order_by(SEATS.c.done.desc(), SEATS.c.key.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_seat(row) for row in connection.execute(query)]

    def progress(self, project: Project, account: int) -> Progress:
        """How far a person is; days begin at midnight by the server's clock."""
        with self.database.read() as connection:
            return progress_of(connection, project, account)

    def _put_beside_overdue(self, project: Project) -> None:
        """Free a further seat at each task whose seat was taken and not used in time."""
        late = (SEATS.c.project == project.key, SEATS.c.state == "taken", SEATS.c.until < time.time())
        with self.database.read() as connection:
            if connection.execute(select(SEATS.c.key).where(*late).limit(1)).first() is None:
                return
        # Two who do it at once divide the seats between them, and lock the tasks in one order.
        query = select(SEATS.c.key, SEATS.c.task).where(*late).order_by(SEATS.c.task, SEATS.c.key)
        with self.database.write() as connection:
            found = connection.execute(query.with_for_update(skip_locked=True, key_share=True)).all()
            overdue = update(SEATS).where(SEATS.c.key.in_([row.key for row in found]))
            connection.execute(overdue.values(state="overdue"))
            for row in found:
                add_seat(connection, project.key, row.task)

    def _held(self, project: Project, account: int) -> Seat | None:
        query = (
            select(SEATS)
            .where(SEATS.c.project == project.key, SEATS.c.account == account, SEATS.c.state.in_(_HELD))
            .order_by(SEATS.c.taken)
            .limit(1)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _seat(row)

    def _again(self, seat: Seat) -> Seat:
        """The seat with a fresh lease; what was put beside it goes away if nobody has it."""
        with self.database.write() as connection:
            held = update(SEATS).where(SEATS.c.key == seat.key, SEATS.c.state.in_(_HELD))
            connection.execute(held.values(state="taken", until=time.time() + LEASE_SECONDS))
            if seat.state == "overdue":
                drop_spare(connection, seat.task)
            return _seat(connection.execute(select(SEATS).where(SEATS.c.key == seat.key)).one())

    def _gold(self, project: Project, account: int) -> Seat | None:
        """A gold question, where one is due: they are mixed in at places that the seed decides for each person."""
        with self.database.read() as connection:
            gold = connection.execute(_gold_left(project, account)).scalars().all()
            if not gold:
                return None
            done = finished(connection, project, account)
            left = progress_of(connection, project, account).left
        lot = random.Random(f"{project.identity}/{account}/{done}")
        if lot.randrange(max(left, len(gold))) >= len(gold):
            return None
        task = lot.choice(gold)
        with self.database.write() as connection:
            spare = select(SEATS.c.key).where(SEATS.c.task == task, SEATS.c.state == "free").limit(1)
            key = connection.execute(spare).scalar() or add_seat(connection, project.key, task)
            return _sit(connection, project, key, account)

    def _free(self, project: Project, account: int) -> Seat | None:
        """A free seat, at a task that others have begun if there is one, so that overlap is complete early."""
        lot = random.Random(f"{account}/{time.time_ns()}")
        for _ in range(_TRIES):
            with self.database.read() as connection:
                found = connection.execute(_open_seats(project, account)).all()
            keys = [row.key for row in found if row.begun] or [row.key for row in found]
            if not keys:
                return None
            with self.database.write() as connection:
                seat = _sit(connection, project, lot.choice(keys[:_NEAR]), account)
            if seat is not None:
                return seat
        raise Conflict(
            "太多人同时在取题，请再试一次。", "Too many people are asking for a task at once; try again."
        )


def own_seat(connection: Connection, key: int, account: int, *, lock: bool = False) -> Seat:
    """A person's own seat; errors as `Seats.seat`.

    Args:
        lock: keep the row for this transaction.
    """
    query = select(SEATS).where(SEATS.c.key == key)
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotThere("没有这个题位。", "There is no such assignment.")
    if row.account != account:
        raise NotAllowed(
            "这道题分给了别人，没有任何改动。", "This assignment is another person's; nothing was changed."
        )
    return _seat(row)


def add_seat(connection: Connection, project: int, task: int) -> int:
    """Put a further free seat at a task; gives its key."""
    # Two transactions that add at once must not count the same number.
    connection.execute(select(TASKS.c.key).where(TASKS.c.key == task).with_for_update(key_share=True))
    highest = connection.execute(select(func.max(SEATS.c.number)).where(SEATS.c.task == task)).scalar() or 0
    values = {"project": project, "task": task, "number": highest + 1, "state": "free", "order": ""}
    connection.execute(insert(SEATS), [values])
    added = select(SEATS.c.key).where(SEATS.c.task == task, SEATS.c.number == highest + 1)
    return int(connection.execute(added).scalar_one())


def seat_at(connection: Connection, project: Project, task: int, account: int) -> Seat:
    """A person's seat at one task: their own, else a free one, else a further one, so that work done elsewhere counts."""
    mine = select(SEATS).where(SEATS.c.task == task, SEATS.c.account == account)
    row = connection.execute(mine).one_or_none()
    if row is not None:
        return _seat(row)
    free = select(SEATS.c.key).where(SEATS.c.task == task, SEATS.c.state == "free").limit(1)
    key = connection.execute(free.with_for_update(skip_locked=True, key_share=True)).scalar()
    seat = _sit(connection, project, key or add_seat(connection, project.key, task), account)
    if seat is None:
        raise Conflict(
            "太多人同时在取题，请再试一次。", "Too many people are asking for a task at once; try again."
        )
    return seat


def drop_spare(connection: Connection, task: int) -> None:
    """Take away one free seat of a task that has more seats in use than it wants."""
    wanted = connection.execute(
        select(TASKS.c.seats).where(TASKS.c.key == task).with_for_update(key_share=True)
    ).scalar_one()
    used = select(func.count()).where(SEATS.c.task == task, SEATS.c.state.in_(("taken", "done")))
    free = (
        select(SEATS.c.key)
        .where(SEATS.c.task == task, SEATS.c.state == "free")
        .order_by(SEATS.c.number.desc())
    )
    keys = connection.execute(free).scalars().all()
    if keys and connection.execute(used).scalar_one() + len(keys) > wanted:
        connection.execute(delete(SEATS).where(SEATS.c.key == keys[0], SEATS.c.state == "free"))


def progress_of(connection: Connection, project: Project, account: int) -> Progress:
    """How far a person is."""
    now = time.localtime()
    midnight = time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 0, 0, 0, 0, 0, -1))
    finished = SEATS.c.state.in_(_FINISHED)
    free = _free_tasks(project, account).with_only_columns(func.count(SEATS.c.task.distinct()))
    mine = select(
        func.count(case((finished, 1))),
        func.count(case((and_(finished, SEATS.c.done >= midnight), 1))),
        func.count(case((SEATS.c.state.in_(_HELD), 1))),
        free.scalar_subquery(),
        _gold_without_seat(project, account).scalar_subquery(),
    ).where(SEATS.c.project == project.key, SEATS.c.account == account)
    done, today, held, others, gold = connection.execute(mine).one()
    left = held + others + gold
    return Progress(done=done, left=left, total=done + left, today=today, goal=project.spec.goal)


def closed_project() -> Conflict:
    """What a closed project says."""
    return Conflict(
        "这个项目已经关闭；你的内容还在本页，请联系负责人重新打开。",
        "This project is closed; what you entered is still on this page. Ask its owner to reopen it.",
    )


def _sit(connection: Connection, project: Project, key: int, account: int) -> Seat | None:
    """Take a free seat, unless somebody was quicker or this person sits at its task already."""
    row = connection.execute(
        select(SEATS).where(SEATS.c.key == key).with_for_update(key_share=True)
    ).one_or_none()
    if row is None or row.state != "free":
        return None
    here = select(SEATS.c.key).where(SEATS.c.task == row.task, SEATS.c.account == account)
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
    sit = update(SEATS).where(SEATS.c.key == key).values(**values).returning(SEATS)
    return _seat(connection.execute(sit).one())


def order_for(connection: Connection, project: Project, task: int, account: int) -> list[int]:
    """The slots of a task in a random order of this person's own."""
    slots = list(
        connection.execute(select(SLOTS.c.slot).where(SLOTS.c.task == task).order_by(SLOTS.c.slot)).scalars()
    )
    random.Random(f"{project.spec.seed}/{project.key}/{task}/{account}").shuffle(slots)
    return slots


def _mine(project: Project, account: int) -> CompoundSelect[Any]:
    """The tasks where a person has a seat, or has settled an answer: who has seen others' verdicts is not blind."""
    seated = select(SEATS.c.task).where(SEATS.c.project == project.key, SEATS.c.account == account)
    settled = select(DECISIONS.c.task).where(
        DECISIONS.c.project == project.key, DECISIONS.c.account == account
    )
    return seated.union(settled)


def _free_tasks(project: Project, account: int) -> Select[Any]:
    """The tasks with a free seat where a person has none."""
    free = (SEATS.c.project == project.key, SEATS.c.state == "free")
    return select(SEATS.c.task).where(*free, SEATS.c.task.not_in(_mine(project, account)))


def _gold_left(project: Project, account: int) -> Select[Any]:
    """The gold questions that a person has not had."""
    mine = _mine(project, account)
    return (
        select(TASKS.c.key)
        .where(TASKS.c.project == project.key, TASKS.c.gold.is_not(None), TASKS.c.key.not_in(mine))
        .order_by(TASKS.c.position)
    )


def _gold_without_seat(project: Project, account: int) -> Select[Any]:
    """How many gold questions a person has not had that have no free seat: one is put there when they come."""
    seat = SEATS.alias()
    free = exists().where(seat.c.task == TASKS.c.key, seat.c.state == "free")
    return _gold_left(project, account).with_only_columns(func.count()).order_by(None).where(~free)


def _open_seats(project: Project, account: int) -> Select[Any]:
    """The first free seats for a person, in the project's order, and whether somebody has begun the task.

    Tasks are numbered in the project's order, and people take them in it: those that are begun come first.
    """
    other = SEATS.alias()
    begun = exists().where(other.c.task == SEATS.c.task, other.c.state.in_((*_HELD, "done")))
    return (
        select(SEATS.c.key, begun.label("begun"))
        .where(SEATS.c.project == project.key, SEATS.c.state == "free")
        .where(SEATS.c.task.not_in(_mine(project, account)))
        .order_by(SEATS.c.task, SEATS.c.number)
        .limit(_WINDOW)
    )


def finished(connection: Connection, project: Project, account: int) -> int:
    """How many tasks a person has finished."""
    query = select(func.count()).where(
        SEATS.c.project == project.key, SEATS.c.account == account, SEATS.c.state.in_(_FINISHED)
    )
    return int(connection.execute(query).scalar_one())


def _seat(row: Any) -> Seat:
    return Seat(
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
