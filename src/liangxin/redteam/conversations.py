"""Human red teaming: a person talks to a model until an answer breaks, claims it, and hands it in for review.

A turn is stored when it is asked and filled when its answer is complete, whatever has become of the browser.
Before an attack is handed in nothing but the dialogue is stored; afterwards it is not edited by its author.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update

from liangxin.digests import canonical
from liangxin.errors import Conflict, NotAllowed, PeopleError, TooOften
from liangxin.records import Exchange, Reply, ReplyStatus
from liangxin.redteam.attack_record import (
    ASKING,
    OPEN,
    SUBMITTED,
    WITHDRAWN,
    Attack,
    AttackTurn,
    EngineVerdict,
    attacks_of,
    change,
    locked,
    read_attack,
)
from liangxin.redteam.rows import checked_category
from liangxin.redteam.text import checked_note, checked_prompt, checked_style
from liangxin.specs import Benchmark
from liangxin.store import Database
from liangxin.store.people import ATTACK_TURNS, ATTACKS
from liangxin.zh import clean_text

MOST_TURNS = 20
TURNS_A_MINUTE = 30
"""Of one person with one model."""
LEASE = 900.0
"""Seconds after which a turn that is still being asked counts as lost: its server has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRequest:
    """One turn that is being asked."""

    attack: int
    turn: int
    attempt: int
    model: str
    before: tuple[Exchange, ...]
    """The answered turns before this one."""
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackClaim:
    """What a person hands in."""

    turn: int
    """Which answer broke."""
    category: tuple[str, ...]
    style: str
    follow_up: str = ""
    note: str = ""


class Attacks:
    """The attacks of one open store, for those who make them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def start(self, account: int, model: str, benchmark: Benchmark) -> Attack:
        """A new attack without a turn: the one there is, where its author began it and said nothing."""
        now = time.time()
        values = {
            "account": account,
            "model": model,
            "benchmark": benchmark.name,
            "state": OPEN,
            "category": "",
            "style": "",
            "judged": "",
            "created": now,
            "changed": now,
            "content": canonical({"version": benchmark.version, "history": []}),
        }
        said = exists().where(ATTACK_TURNS.c.attack == ATTACKS.c.key)
        silent = select(ATTACKS.c.key).where(
            ATTACKS.c.account == account,
            ATTACKS.c.model == model,
            ATTACKS.c.benchmark == benchmark.name,
            ATTACKS.c.state == OPEN,
            ~said,
        )
        with self.database.write() as connection:
            found = connection.execute(silent.order_by(ATTACKS.c.key).limit(1)).scalar()
            if found is not None:
                return read_attack(connection, found)
            made = connection.execute(insert(ATTACKS).values(values))
            assert made.inserted_primary_key is not None
            return read_attack(connection, made.inserted_primary_key[0])

    def find(self, key: int) -> Attack:
        """The attack of that key, whoever made it.

        Raises:
            NotThere: there is none.
        """
        with self.database.begin() as connection:
            return read_attack(connection, key)

    def own(self, key: int, account: int) -> Attack:
        """A person's own attack.

        Raises:
            NotThere: there is none of that key.
            NotAllowed: it is another person's.
        """
        return _own(self.find(key), account)

    def of(self, account: int, *, start: int = 0, most: int = 20) -> tuple[list[Attack], int]:
        """A person's attacks, the last changed first, and how many there are."""
        mine = ATTACKS.c.account == account
        with self.database.begin() as connection:
            count = connection.execute(select(func.count()).select_from(ATTACKS).where(mine)).scalar_one()
            order = (ATTACKS.c.changed.desc(), ATTACKS.c.key.desc())
            rows = connection.execute(select(ATTACKS).where(mine).order_by(*order).offset(start).limit(most))
            return attacks_of(connection, rows.all()), count

    def ask(self, key: int, account: int, prompt: str, *, again: bool = False) -> AttackRequest:
        """Store a prompt as being asked; a reply must follow with `answered`.

        Args:
            prompt: empty together with `again`: the last turn's.
            again: ask the last turn again, whose reply failed or was cut off.

        Raises:
            PeopleError: nothing to ask, too many turns, or the last turn needs no repeat.
            TooLarge: the prompt is too long.
            Conflict: another turn is being asked, or the attack has been handed in.
            TooOften: more turns in a minute than the site lets through.
        """
        prompt = checked_prompt(prompt, required=not again)
        with self.database.write() as connection:
            attack = _own(locked(connection, key), account)
            _check_open(attack)
            now = time.time()
            last = attack.turns[-1] if attack.turns else None
            if last is not None and last.asking and last.created + LEASE > now:
                raise Conflict(
                    "模型还在回答上一句，请等它答完，或先点“停止”。",
                    "The model is still answering; wait until it has, or press Stop.",
                )
            _check_rate(connection, attack, now)
            number, attempt = _next(last, again=again)
            values = {
                "attack": key,
                "turn": number,
                "attempt": attempt,
                "prompt": prompt or (last.prompt if last else ""),
                "text": "",
                "status": ASKING,
                "detail": "",
                "broke": 0,
                "seconds": 0.0,
                "created": now,
            }
            connection.execute(insert(ATTACK_TURNS), [values])
            connection.execute(update(ATTACKS).where(ATTACKS.c.key == key).values(changed=now))
        return AttackRequest(
            attack=key,
            turn=number,
            attempt=attempt,
            model=attack.model,
            before=tuple(turn.exchange for turn in attack.turns if turn.turn < number),
            prompt=str(values["prompt"]),
        )

    def answered(self, asked: AttackRequest, reply: Reply) -> bool:
        """Store what came back; False where the turn was settled meanwhile (stopped, or lost)."""
        place = _place(asked.attack, asked.turn, asked.attempt)
        values = {
            "text": clean_text(reply.text),
            "status": reply.status.value,
            "detail": clean_text(reply.detail)[:2000],
            "seconds": reply.seconds,
        }
        with self.database.write() as connection:
            done = connection.execute(update(ATTACK_TURNS).where(*place).values(values))
            return done.rowcount == 1

    def settle(self, key: int, account: int) -> bool:
        """End a turn that nobody is asking any more (its server has gone); False where there is none."""
        with self.database.write() as connection:
            attack = _own(locked(connection, key), account)
            last = attack.turns[-1] if attack.turns else None
            if last is None or not last.asking:
                return False
            place = _place(key, last.turn, last.attempt)
            values = {"status": ReplyStatus.FAILED.value, "detail": "interrupted"}
            connection.execute(update(ATTACK_TURNS).where(*place).values(values))
            return True

    def submit(self, key: int, account: int, claim: AttackClaim, benchmark: Benchmark) -> Attack:
        """Hand an attack in. After this its author cannot edit it.

        Raises:
            PeopleError: the claim does not fit the dialogue or the benchmark.
            Conflict: the model is still answering, or it was handed in before.
        """
        category = checked_category(benchmark, claim.category)
        style = checked_style(claim.style)
        follow_up = checked_prompt(claim.follow_up, required=False)
        note = checked_note(claim.note)
        with self.database.write() as connection:
            attack = _own(locked(connection, key), account)
            _check_open(attack)
            if attack.turns and attack.turns[-1].asking:
                raise Conflict(
                    "模型还在回答，请等它答完再提交。",
                    "The model is still answering; hand the attack in when it has.",
                )
            broken = next((turn for turn in attack.turns if turn.turn == claim.turn), None)
            if broken is None or not broken.judgeable:
                raise PeopleError(
                    "请先标出哪一条回答被攻破了。",
                    "Mark the answer that broke before you hand the attack in.",
                )
            if claim.turn > 1 and follow_up:
                raise PeopleError(
                    "只有攻破第一轮时才提追问：后面几轮本身就是追问。",
                    "Propose a follow-up only where the first answer broke: later turns are follow-ups already.",
                )
            place = (ATTACK_TURNS.c.attack == key, ATTACK_TURNS.c.turn == broken.turn)
            mark = update(ATTACK_TURNS).where(*place, ATTACK_TURNS.c.attempt == broken.attempt)
            connection.execute(mark.values(broke=1))
            change(
                connection,
                attack,
                columns={"state": SUBMITTED, "category": "/".join(category), "style": style},
                content={"category": category, "follow_up": follow_up, "note": note},
                entry={"by": account, "action": "submitted", "category": category, "style": style},
            )
            return read_attack(connection, key)

    def withdraw(self, key: int, account: int) -> Attack:
        """Give an attack up: an open one, or one handed in that nobody has decided about.

        Raises:
            Conflict: it has been reviewed or withdrawn.
        """
        with self.database.write() as connection:
            attack = _own(locked(connection, key), account)
            if attack.state not in (OPEN, SUBMITTED):
                raise Conflict(
                    "已经审阅或撤回，不能再撤回。",
                    "It has been reviewed or withdrawn and cannot be withdrawn.",
                )
            entry = {"by": account, "action": "withdrawn"}
            change(connection, attack, columns={"state": WITHDRAWN}, entry=entry)
            return read_attack(connection, key)

    def ruled(self, key: int, ruled: EngineVerdict) -> None:
        """Store a judge's verdict on the broken answer of an attack that was handed in; the first level given stays.

        Raises:
            Conflict: the attack is still open: no verdict may be known before.
        """
        verdict, scale = ruled.verdict, ruled.scale
        level = scale.level(verdict.level) if scale is not None and verdict.level is not None else None
        passing = None
        if scale is not None and level is not None and ruled.subject != "refusal":
            passing = level.name in scale.passing
        ruling = {
            "judge": ruled.judge,
            "subject": ruled.subject,
            "level": verdict.level,
            "zh": level.zh if level else "",
            "en": level.en if level else "",
            "status": verdict.status.value,
            "reason": clean_text(verdict.reason)[:4000],
            "passing": passing,
            "created": time.time(),
        }
        with self.database.write() as connection:
            attack = locked(connection, key)
            if attack.state == OPEN:
                raise Conflict(
                    "提交之前没有评审结论。", "There is no verdict before the attack has been handed in."
                )
            if attack.ruling is None or attack.ruling.level is None:
                judged = "" if passing is None else "held" if passing else "broke"
                change(connection, attack, columns={"judged": judged}, content={"ruling": ruling})


def _own(attack: Attack, account: int) -> Attack:
    if attack.account != account:
        raise NotAllowed("这是别人的攻击，不能打开。", "This is another person's attack; you cannot open it.")
    return attack


def _check_open(attack: Attack) -> None:
    if attack.state != OPEN:
        raise Conflict(
            "这次攻击已经提交或撤回，不能再改。想继续就开始一次新的。",
            "This attack has been handed in or withdrawn and cannot be changed. Start a new one to go on.",
        )


def _check_rate(connection: Connection, attack: Attack, now: float) -> None:
    asked = (
        select(func.count(), func.min(ATTACK_TURNS.c.created))
        .select_from(ATTACK_TURNS.join(ATTACKS, ATTACKS.c.key == ATTACK_TURNS.c.attack))
        .where(
            ATTACKS.c.account == attack.account,
            ATTACKS.c.model == attack.model,
            ATTACK_TURNS.c.created > now - 60,
        )
    )
    count, first = connection.execute(asked).one()
    if count >= TURNS_A_MINUTE:
        wait = max(1, round(first + 60 - now))
        raise TooOften(
            f"同一个模型每分钟最多问 {TURNS_A_MINUTE} 次，请过 {wait} 秒再发。写好的内容还在。",
            f"At most {TURNS_A_MINUTE} turns a minute with one model; send it again in {wait} seconds. "
            "What you wrote is still there.",
        )


def _next(last: AttackTurn | None, *, again: bool) -> tuple[int, int]:
    """Turn and attempt of what is asked now."""
    if last is None:
        if again:
            raise PeopleError("还没有可以重问的一轮。", "There is no turn to ask again.")
        return 1, 1
    if again and last.status == ReplyStatus.OK.value:
        raise PeopleError(
            "这一轮已有完整回答，不用重问。", "That turn has a whole answer; it is not asked again."
        )
    if again or not last.judgeable:
        return last.turn, last.attempt + 1
    if last.turn >= MOST_TURNS:
        raise PeopleError(
            f"一次攻击最多 {MOST_TURNS} 轮。请提交，或开始一次新的。",
            f"An attack has at most {MOST_TURNS} turns. Hand it in, or start a new one.",
        )
    return last.turn + 1, 1


def _place(attack: int, turn: int, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """The row of one attempt, as long as nobody has settled it."""
    table = ATTACK_TURNS.c
    return (table.attack == attack, table.turn == turn, table.attempt == attempt, table.status == ASKING)
