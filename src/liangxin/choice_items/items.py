"""Choice items in the making: a question with a better and a worse answer, proposed, reviewed and handed out.

The construction is that of CValues (arXiv:2307.09705). What is known, second-hand, of its difficulty: `easy` items have
a negative made by rewriting, `hard` ones a negative that the expert had rejected. A person sets it here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, func, select, update

from liangxin.benchmarks.fields import reserved
from liangxin.digests import canonical, digest
from liangxin.errors import Conflict, NotThere, PeopleError, TooLarge
from liangxin.people import audit
from liangxin.store import Database
from liangxin.store.people import CHOICE_ITEMS
from liangxin.zh import clean_text

State = Literal["proposed", "accepted", "rejected"]
STATES: tuple[State, ...] = ("proposed", "accepted", "rejected")
DIFFICULTIES = ("easy", "hard")
MOST_REASON = 500
MOST_CATEGORY = 80
MOST_TEXT = 20_000
"""Of a question or an answer, in characters."""
_BATCH = 500
_MOST_KEY = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A question with a better and a worse answer."""

    question: str
    positive: str
    negative: str
    category: str = ""
    """`domain_en` of the file."""
    difficulty: str = ""
    """`easy`, `hard`, or empty: nobody knows yet."""
    by: str = ""
    """Which rule proposes the difficulty; see `choice_sources`."""
    source: str = ""
    """Where it comes from, for reviewers."""

    @property
    def fits(self) -> bool:
        """Whether it can be an item: three texts of bearable length, two different answers."""
        texts = (self.question, self.positive, self.negative)
        return all(text.strip() and len(text) <= MOST_TEXT for text in texts) and (
            self.positive.strip() != self.negative.strip()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What became of proposals."""

    added: int = 0
    known: int = 0
    """The same question and answers had been proposed before."""
    unfit: int = 0
    """Empty or overlong, or two equal answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceItem:
    """A proposal and what reviewers made of it."""

    key: int
    state: State
    question: str
    positive: str
    negative: str
    category: str
    difficulty: str
    by: str
    source: str
    changed: float
    history: tuple[Mapping[str, Any], ...]
    """Every review: at, account, action, and what changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFilter:
    """What a reviewer wants to see; an empty text is no filter."""

    state: str = ""
    difficulty: str = ""
    """`easy`, `hard` or `none`."""
    category: str = ""
    words: str = ""


class ChoiceItems:
    """The choice items of one open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def propose(
        self, proposals: Iterable[Proposal], made_by: int, drawn: Mapping[str, int] | None = None
    ) -> Proposed:
        """Enter proposals; one that is there already stays as it is.

        `drawn` is how they were drawn from a larger file (`rows`, `seed`), for the audit log.
        """
        added = known = unfit = 0
        stream = iter(proposals)
        while batch := list(islice(stream, _BATCH)):
            fitting = {_digest(one): one for one in batch if one.fits}
            unfit += sum(not one.fits for one in batch)
            with self.database.write() as connection:
                query = select(CHOICE_ITEMS.c.digest).where(CHOICE_ITEMS.c.digest.in_(fitting))
                before = set(connection.execute(query).scalars())
                rows = [_row(one, key, made_by) for key, one in fitting.items() if key not in before]
                if rows:
                    connection.execute(self.database.insert_new(CHOICE_ITEMS), rows)
            added += len(rows)
            known += sum(one.fits for one in batch) - len(rows)
        with self.database.write() as connection:
            said = {"added": added, "known": known, "unfit": unfit, **(drawn or {})}
            audit.note(connection, made_by, "choice items proposed", **said)
        return Proposed(added=added, known=known, unfit=unfit)

    def page(self, wanted: ChoiceFilter, *, start: int, most: int) -> tuple[list[ChoiceItem], int]:
        """A page of what fits, the oldest first, and how many fit."""
        conditions = _conditions(wanted)
        query = select(CHOICE_ITEMS).where(*conditions).order_by(CHOICE_ITEMS.c.key).offset(start).limit(most)
        with self.database.begin() as connection:
            count = connection.execute(
                select(func.count()).select_from(CHOICE_ITEMS).where(*conditions)
            ).scalar_one()
            return [_item(row) for row in connection.execute(query)], int(count)

    def counts(self) -> dict[str, int]:
        """How many there are of each state."""
        query = select(CHOICE_ITEMS.c.state, func.count()).group_by(CHOICE_ITEMS.c.state)
        with self.database.begin() as connection:
            found = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def categories(self) -> list[str]:
        """Every category there is."""
        query = select(CHOICE_ITEMS.c.category).distinct().order_by(CHOICE_ITEMS.c.category)
        with self.database.begin() as connection:
            return [one for one in connection.execute(query).scalars() if one]

    def find(self, key: int) -> ChoiceItem:
        """One item.

        Raises:
            NotThere: none of that key.
        """
        with self.database.begin() as connection:
            return _locked(connection, key, lock=False)

    def following(self, wanted: ChoiceFilter, key: int) -> int | None:
        """The next item that fits after one, beginning anew at the end; None where no other does."""
        query = select(CHOICE_ITEMS.c.key).where(*_conditions(wanted), CHOICE_ITEMS.c.key != key)
        query = query.order_by(CHOICE_ITEMS.c.key).limit(1)
        with self.database.begin() as connection:
            after = connection.execute(query.where(CHOICE_ITEMS.c.key > key)).scalar()
            return after or connection.execute(query).scalar()

    def correct(self, key: int, by: int, *, difficulty: str, category: str) -> ChoiceItem:
        """Set difficulty and category; the texts stay as they were given.

        Raises:
            PeopleError: no such difficulty, or no possible category.
        """
        category = " ".join(clean_text(category).split())
        if difficulty not in ("", *DIFFICULTIES):
            raise PeopleError("难度只有 easy 和 hard。", "The difficulty is easy or hard.")
        if len(category) > MOST_CATEGORY or (category and reserved(category)):
            raise PeopleError(
                f"类别最多 {MOST_CATEGORY} 个字，也不能用成绩里别的分组的名字。",
                f"A category has at most {MOST_CATEGORY} characters and is not the name of another group of the scores.",
            )
        with self.database.write() as connection:
            item = _locked(connection, key)
            if (item.difficulty, item.category) != (difficulty, category):
                rule = "person" if difficulty != item.difficulty else item.by
                values = {"difficulty": difficulty, "category": category}
                _change(connection, item, by, "corrected", values, rule=rule, **values)
            return _locked(connection, key)

    def accept(self, key: int, by: int) -> ChoiceItem:
        """Make it an item of the exported file.

        Raises:
            Conflict: it has no difficulty yet.
        """
        with self.database.write() as connection:
            item = _locked(connection, key)
            if not item.difficulty:
                raise Conflict("请先选 easy 或 hard，再接受。", "Choose easy or hard first, then accept.")
            if item.state != "accepted":
                _change(connection, item, by, "accepted", {"state": "accepted"})
            return _locked(connection, key)

    def reject(self, key: int, by: int, reason: str) -> ChoiceItem:
        """Keep it out, with the reason.

        Raises:
            PeopleError: without a reason.
            TooLarge: the reason is too long.
        """
        reason = clean_text(reason).strip()
        if not reason:
            raise PeopleError("请写明驳回的理由。", "Write the reason for the rejection.")
        if len(reason) > MOST_REASON:
            raise TooLarge(
                f"理由最多 {MOST_REASON} 个字。", f"The reason has at most {MOST_REASON} characters."
            )
        with self.database.write() as connection:
            item = _locked(connection, key)
            if item.state != "rejected":
                _change(connection, item, by, "rejected", {"state": "rejected"}, reason=reason)
            return _locked(connection, key)

    def export(self, by: int) -> bytes:
        """The accepted items as JSON lines in the pair layout of `liangxin run cvalues-choice --data FILE`.

        The reader shows each pair in both orders.

        Raises:
            PeopleError: nothing is accepted yet.
        """
        query = select(CHOICE_ITEMS).where(CHOICE_ITEMS.c.state == "accepted").order_by(CHOICE_ITEMS.c.key)
        with self.database.begin() as connection:
            items = [_item(row) for row in connection.execute(query)]
        if not items:
            raise PeopleError("还没有接受的题。", "No item is accepted yet.")
        with self.database.write() as connection:
            audit.note(connection, by, "choice items exported", count=len(items))
        return "".join(json.dumps(_exported(item), ensure_ascii=False) + "\n" for item in items).encode()


def _exported(item: ChoiceItem) -> dict[str, str]:
    row = {
        "id": f"choice-{digest([item.question, item.positive, item.negative])}",
        "question": item.question,
        "positive": item.positive,
        "negative": item.negative,
    }
    if item.category:
        row["domain_en"] = item.category
    return row | {"difficulty_level": item.difficulty}


def _digest(one: Proposal) -> str:
    return digest([one.question.strip(), one.positive.strip(), one.negative.strip()], length=64)


def _row(one: Proposal, key: str, made_by: int) -> dict[str, Any]:
    now = time.time()
    content = {
        "question": clean_text(one.question).strip(),
        "positive": clean_text(one.positive).strip(),
        "negative": clean_text(one.negative).strip(),
        "by": one.by,
        "history": [],
    }
    return {
        "state": "proposed",
        "digest": key,
        "category": one.category[:MOST_CATEGORY],
        "difficulty": one.difficulty,
        "source": one.source,
        "made_by": made_by,
        "created": now,
        "changed": now,
        "content": canonical(content),
    }


def _conditions(wanted: ChoiceFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(CHOICE_ITEMS.c.state == wanted.state)
    if wanted.difficulty:
        found.append(CHOICE_ITEMS.c.difficulty == ("" if wanted.difficulty == "none" else wanted.difficulty))
    if wanted.category:
        found.append(CHOICE_ITEMS.c.category == wanted.category)
    if wanted.words:
        inside = json.dumps(wanted.words, ensure_ascii=False)[1:-1]
        found.append(CHOICE_ITEMS.c.content.icontains(inside, autoescape=True))
    return found


def _locked(connection: Connection, key: int, *, lock: bool = True) -> ChoiceItem:
    query = select(CHOICE_ITEMS).where(CHOICE_ITEMS.c.key == key)
    row = None
    if 0 < key <= _MOST_KEY:
        row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotThere("没有这道选择题。", "There is no such choice item.")
    return _item(row)


def _change(
    connection: Connection,
    item: ChoiceItem,
    by: int,
    action: str,
    values: Mapping[str, object],
    *,
    rule: str | None = None,
    **said: object,
) -> None:
    """Change an item and append what was done to its history."""
    now = time.time()
    history = [*item.history, {"at": now, "account": by, "action": action, **said}]
    content = {
        "question": item.question,
        "positive": item.positive,
        "negative": item.negative,
        "by": item.by if rule is None else rule,
        "history": history,
    }
    changed = {**values, "changed": now, "content": canonical(content)}
    connection.execute(update(CHOICE_ITEMS).where(CHOICE_ITEMS.c.key == item.key).values(**changed))


def _item(row: Any) -> ChoiceItem:
    content: Mapping[str, Any] = json.loads(row.content)
    history: Sequence[Mapping[str, Any]] = content["history"]
    return ChoiceItem(
        key=row.key,
        state=cast("State", row.state),
        question=content["question"],
        positive=content["positive"],
        negative=content["negative"],
        category=row.category,
        difficulty=row.difficulty,
        by=content["by"],
        source=row.source,
        changed=row.changed,
        history=tuple(history),
    )
