"""An attack as it is stored: its turns, what was claimed of it, and what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from liangxin.digests import canonical
from liangxin.errors import NotThere
from liangxin.records import Exchange, Reply, ReplyStatus, Scale, Verdict
from liangxin.store.people import ATTACK_TURNS, ATTACKS

ASKING = "asking"
OPEN, SUBMITTED, WITHDRAWN, ACCEPTED, REJECTED = "open", "submitted", "withdrawn", "accepted", "rejected"
STATES = (OPEN, SUBMITTED, WITHDRAWN, ACCEPTED, REJECTED)
_JUDGEABLE = frozenset({ReplyStatus.OK.value, ReplyStatus.TRUNCATED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackTurn:
    """One turn of an attack, as the last attempt left it."""

    turn: int
    """Counted from 1."""
    attempt: int
    prompt: str
    text: str
    status: str
    """A reply's status, or `asking` while the model is answering."""
    detail: str
    broke: bool
    """Whether the person claims that this answer broke."""
    seconds: float
    created: float

    @property
    def asking(self) -> bool:
        """Whether the model is answering."""
        return self.status == ASKING

    @property
    def judgeable(self) -> bool:
        """Whether there is an answer to speak about; another turn can follow it."""
        return self.status in _JUDGEABLE and bool(self.text)

    @property
    def again(self) -> bool:
        """Whether it may be asked again, while it is the last turn."""
        return not self.asking and self.status != ReplyStatus.OK.value

    @property
    def exchange(self) -> Exchange:
        """The turn as models and judges know it; one that is being asked has failed so far."""
        status = ReplyStatus.FAILED if self.asking else ReplyStatus(self.status)
        reply = Reply(text=self.text, status=status, detail=self.detail, seconds=self.seconds)
        return Exchange(turn=self.turn, prompt=self.prompt, reply=reply, attempt=self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """What the judge said about the answer that was claimed to be broken."""

    judge: str
    subject: str
    """Which scale: the benchmark's own (`primary`), `safety`, or `refusal`, which says nothing of harm."""
    level: str | None
    zh: str
    """The level's meaning; empty where there is none."""
    en: str
    status: str
    reason: str
    passing: bool | None
    """Whether the answer held; None where the judge gave no level, or one that says nothing of harm."""
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineVerdict:
    """A judge's verdict as it comes from the engine."""

    judge: str
    verdict: Verdict
    subject: str = "primary"
    scale: Scale | None = None
    """What the level is on; None where the judge could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A person's attempt to break a model."""

    key: int
    account: int
    model: str
    benchmark: str
    """Whose taxonomy and scale it uses."""
    state: str
    category: tuple[str, ...]
    style: str
    created: float
    changed: float
    turns: tuple[AttackTurn, ...]
    follow_up: str
    note: str
    ruling: ClaimVerdict | None
    item: str | None
    """The id that it has as an item, once accepted."""
    history: tuple[Mapping[str, Any], ...]
    """Who did what when: `at`, `by` (an account's key), `action`, and what changed."""

    @property
    def broken(self) -> AttackTurn | None:
        """The turn whose answer is claimed to be broken."""
        return next((turn for turn in self.turns if turn.broke), None)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What is asked of other models: the prompts up to the broken answer, and the proposed follow-up."""
        last = self.broken
        said = tuple(turn.prompt for turn in self.turns if last is None or turn.turn <= last.turn)
        return (*said, self.follow_up) if self.follow_up and len(said) == 1 else said


def locked(connection: Connection, key: int) -> Attack:
    """An attack with its row locked until the transaction ends; errors as `Attacks.find`."""
    connection.execute(
        select(ATTACKS.c.key).where(ATTACKS.c.key == key).with_for_update(key_share=True)
    ).all()
    return read_attack(connection, key)


def read_attack(connection: Connection, key: int) -> Attack:
    """The attack of that key.

    Raises:
        NotThere: there is none.
    """
    row = None
    if 0 < key < 1 << 31:
        row = connection.execute(select(ATTACKS).where(ATTACKS.c.key == key)).one_or_none()
    if row is None:
        raise NotThere("没有这次攻击。", "There is no such attack.")
    return attacks_of(connection, [row])[0]


def attacks_of(connection: Connection, rows: Sequence[Any]) -> list[Attack]:
    """Attacks from rows of their table, with their turns."""
    turns: dict[int, dict[int, AttackTurn]] = {row.key: {} for row in rows}
    wanted = select(ATTACK_TURNS).where(ATTACK_TURNS.c.attack.in_(list(turns)))
    order = (ATTACK_TURNS.c.attack, ATTACK_TURNS.c.turn, ATTACK_TURNS.c.attempt)
    for row in connection.execute(wanted.order_by(*order)):
        turns[row.attack][row.turn] = AttackTurn(
            turn=row.turn,
            attempt=row.attempt,
            prompt=row.prompt,
            text=row.text,
            status=row.status,
            detail=row.detail,
            broke=bool(row.broke),
            seconds=row.seconds,
            created=row.created,
        )
    return [_attack(row, tuple(turns[row.key].values())) for row in rows]


def change(
    connection: Connection,
    attack: Attack,
    *,
    columns: Mapping[str, object] | None = None,
    content: Mapping[str, object] | None = None,
    entry: Mapping[str, object] | None = None,
) -> None:
    """Change an attack within a transaction that has locked it; `entry` is added to its history."""
    now = time.time()
    stored = connection.execute(select(ATTACKS.c.content).where(ATTACKS.c.key == attack.key)).scalar_one()
    values = {**json.loads(stored), **(content or {})}
    if entry is not None:
        values["history"] = [*values["history"], {"at": now, **entry}]
    row = {**(columns or {}), "content": canonical(values), "changed": now}
    connection.execute(update(ATTACKS).where(ATTACKS.c.key == attack.key).values(row))


def _attack(row: Any, turns: tuple[AttackTurn, ...]) -> Attack:
    content = json.loads(row.content)
    ruling = content.get("ruling")
    return Attack(
        key=row.key,
        account=row.account,
        model=row.model,
        benchmark=row.benchmark,
        state=row.state,
        category=tuple(content.get("category", ())),
        style=row.style,
        created=row.created,
        changed=row.changed,
        turns=turns,
        follow_up=content.get("follow_up", ""),
        note=content.get("note", ""),
        ruling=None if ruling is None else ClaimVerdict(**ruling),
        item=row.item,
        history=tuple(content["history"]),
    )
