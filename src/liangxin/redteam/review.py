"""Reviewing attacks: the queue, corrections of category and style, acceptance as an item, rejection with a reason.

Every decision is appended to the attack's history. Nobody reviews an attack of their own, except on a site of
one user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, select

from liangxin.digests import digest
from liangxin.errors import Conflict, NotAllowed, NotThere, PeopleError
from liangxin.redteam.attack_record import (
    ACCEPTED,
    REJECTED,
    SUBMITTED,
    Attack,
    attacks_of,
    change,
    locked,
    read_attack,
)
from liangxin.redteam.rows import checked_category
from liangxin.redteam.text import MOST_NOTE, checked_prompt, checked_style
from liangxin.specs import Benchmark
from liangxin.store import Database
from liangxin.store.people import ATTACK_TURNS, ATTACKS
from liangxin.zh import clean_text

SEEN = (SUBMITTED, ACCEPTED, REJECTED)
"""The states that a reviewer sees; what was never handed in is its author's own."""
JUDGED = ("broke", "held", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackFilter:
    """What a reviewer wants to see; an empty text is no filter."""

    state: str = ""
    benchmark: str = ""
    model: str = ""
    category: str = ""
    """A path, joined by slashes."""
    style: str = ""
    judged: str = ""
    """`broke`: the judge agrees with the claim; `held`: it does not; `none`: it gave no level."""
    words: str = ""
    """Part of a prompt or an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a reviewer may correct before deciding."""

    category: tuple[str, ...]
    style: str
    follow_up: str


class Reviews:
    """The attacks of one open store, for those who review them."""

    def __init__(self, database: Database, *, single_user: bool) -> None:
        self.database = database
        self.single_user = single_user

    def page(self, wanted: AttackFilter, *, start: int, most: int) -> tuple[list[Attack], int]:
        """Attacks that fit, the longest waiting first (the last decided first), and how many there are."""
        condition = _conditions(wanted)
        newest = wanted.state in (ACCEPTED, REJECTED)
        order = (ATTACKS.c.changed.desc(), ATTACKS.c.key.desc()) if newest else (ATTACKS.c.key,)
        with self.database.begin() as connection:
            count = connection.execute(
                select(func.count()).select_from(ATTACKS).where(*condition)
            ).scalar_one()
            query = select(ATTACKS).where(*condition).order_by(*order).offset(start).limit(most)
            return attacks_of(connection, connection.execute(query).all()), count

    def counts(self) -> Mapping[str, int]:
        """How many attacks are in each state that a reviewer sees."""
        query = (
            select(ATTACKS.c.state, func.count()).where(ATTACKS.c.state.in_(SEEN)).group_by(ATTACKS.c.state)
        )
        with self.database.begin() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in SEEN}

    def values(self) -> dict[str, list[str]]:
        """What there is to filter by: the benchmarks, models, categories and styles of what was handed in."""
        found = {}
        with self.database.begin() as connection:
            for name in ("benchmark", "model", "category", "style"):
                column = ATTACKS.c[name]
                query = select(column).distinct().where(ATTACKS.c.state.in_(SEEN), column != "")
                found[name] = list(connection.execute(query.order_by(column)).scalars())
        return found

    def find(self, key: int) -> Attack:
        """An attack that was handed in.

        Raises:
            NotThere: there is none of that key, or it was not handed in.
        """
        with self.database.begin() as connection:
            return _seen(read_attack(connection, key))

    def next(self, reviewer: int, after: int) -> int | None:
        """The next attack that waits for a reviewer and is not their own, or None."""
        waiting = self._waiting(reviewer)
        order = (ATTACKS.c.key <= after, ATTACKS.c.key)
        query = select(ATTACKS.c.key).where(*waiting, ATTACKS.c.key != after).order_by(*order).limit(1)
        with self.database.begin() as connection:
            return connection.execute(query).scalar()

    def waiting(self, reviewer: int) -> int:
        """How many attacks wait for a reviewer."""
        query = select(func.count()).select_from(ATTACKS).where(*self._waiting(reviewer))
        with self.database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def _waiting(self, reviewer: int) -> list[ColumnElement[bool]]:
        others = [] if self.single_user else [ATTACKS.c.account != reviewer]
        return [ATTACKS.c.state == SUBMITTED, *others]

    def may(self, attack: Attack, reviewer: int) -> bool:
        """Whether that person may decide about that attack."""
        return self.single_user or attack.account != reviewer

    def correct(self, key: int, reviewer: int, correction: Correction, benchmark: Benchmark) -> Attack:
        """Correct category, style and proposed follow-up before the decision.

        Raises:
            NotAllowed: the reviewer's own attack.
            Conflict: it has been decided, or withdrawn.
            PeopleError: the benchmark has no such category, or a follow-up does not fit.
        """
        category = checked_category(benchmark, correction.category)
        style, follow_up = (
            checked_style(correction.style),
            checked_prompt(correction.follow_up, required=False),
        )
        with self.database.write() as connection:
            attack = self._locked(connection, key, reviewer)
            if attack.state != SUBMITTED:
                raise Conflict("已经有决定，不能再改。", "It has been decided and is not corrected any more.")
            if follow_up and attack.broken is not None and attack.broken.turn > 1:
                raise PeopleError(
                    "只有攻破第一轮的题才有追问。", "Only an attack whose first answer broke has a follow-up."
                )
            after = {"category": category, "style": style, "follow_up": follow_up}
            before = {
                "category": attack.category,
                "style": attack.style,
                "follow_up": attack.follow_up,
            }
            if after != before:
                change(
                    connection,
                    attack,
                    columns={"category": "/".join(category), "style": style},
                    content={"category": category, "follow_up": follow_up},
                    entry={"by": reviewer, "action": "corrected", "before": before, "after": after},
                )
            return read_attack(connection, key)

    def accept(self, key: int, reviewer: int) -> Attack:
        """Make an attack an item with an id of its own, which stays the same wherever its prompts are.

        Raises:
            NotAllowed: the reviewer's own attack.
            Conflict: another accepted attack has the same prompts, or this one is accepted or withdrawn.
        """
        with self.database.write() as connection:
            attack = self._locked(connection, key, reviewer)
            if attack.state == ACCEPTED:
                raise Conflict("已经接受过了。", "It has been accepted already.")
            item = item_id(attack)
            same = connection.execute(select(ATTACKS.c.key).where(ATTACKS.c.item == item)).scalar()
            if same is not None:
                raise Conflict(
                    f"同样的题已经在第 {same} 号攻击里接受过，请以“重复”为由驳回。",
                    f"Attack {same} with the same prompts has been accepted; reject this one as a duplicate.",
                )
            entry = {"by": reviewer, "action": "accepted", "item": item}
            change(connection, attack, columns={"state": ACCEPTED, "item": item}, entry=entry)
            return read_attack(connection, key)

    def reject(self, key: int, reviewer: int, reason: str) -> Attack:
        """Reject an attack, or take an acceptance back; the author reads the reason.

        Raises:
            NotAllowed: the reviewer's own attack.
            Conflict: it is rejected or withdrawn.
            PeopleError: no reason is given.
        """
        reason = clean_text(reason).strip()
        if not reason or len(reason) > MOST_NOTE:
            raise PeopleError(
                f"请写驳回的理由，最多 {MOST_NOTE} 个字。",
                f"Give the reason for the rejection, in at most {MOST_NOTE} characters.",
            )
        with self.database.write() as connection:
            attack = self._locked(connection, key, reviewer)
            if attack.state == REJECTED:
                raise Conflict("已经驳回过了。", "It has been rejected already.")
            entry = {"by": reviewer, "action": "rejected", "reason": reason}
            change(connection, attack, columns={"state": REJECTED, "item": None}, entry=entry)
            return read_attack(connection, key)

    def accepted(self, benchmark: str) -> list[Attack]:
        """Every accepted attack of a benchmark, in the order in which they were made."""
        place = (ATTACKS.c.state == ACCEPTED, ATTACKS.c.benchmark == benchmark)
        query = select(ATTACKS).where(*place).order_by(ATTACKS.c.key)
        with self.database.begin() as connection:
            rows: Sequence[object] = connection.execute(query).all()
            chunks = (rows[at : at + 500] for at in range(0, len(rows), 500))
            return [attack for chunk in chunks for attack in attacks_of(connection, chunk)]

    def _locked(self, connection: Connection, key: int, reviewer: int) -> Attack:
        attack = _seen(locked(connection, key))
        if not self.may(attack, reviewer):
            raise NotAllowed(
                "不能审阅自己的攻击，请另一位裁决员来看。",
                "Nobody reviews an attack of their own; another adjudicator has to look at it.",
            )
        return attack


def item_id(attack: Attack) -> str:
    """An accepted attack's id as an item: the same for the same prompts in the same benchmark."""
    return f"redteam-{digest([attack.benchmark, *attack.prompts])}"


def _seen(attack: Attack) -> Attack:
    if attack.state not in SEEN:
        raise NotThere(
            "这次攻击没有提交，或已撤回。", "This attack was not handed in, or has been withdrawn."
        )
    return attack


def _conditions(wanted: AttackFilter) -> list[ColumnElement[bool]]:
    table = ATTACKS.c
    states = (wanted.state,) if wanted.state in SEEN else SEEN
    found: list[ColumnElement[bool]] = [table.state.in_(states)]
    for column, value in (
        (table.benchmark, wanted.benchmark),
        (table.model, wanted.model),
        (table.category, wanted.category),
        (table.style, wanted.style),
    ):
        if value:
            found.append(column == value)
    if wanted.judged in JUDGED:
        found.append(table.judged == ("" if wanted.judged == "none" else wanted.judged))
    if wanted.words:
        said = ATTACK_TURNS.c.prompt.contains(wanted.words, autoescape=True)
        replied = ATTACK_TURNS.c.text.contains(wanted.words, autoescape=True)
        found.append(exists().where(ATTACK_TURNS.c.attack == table.key, said | replied))
    return found
