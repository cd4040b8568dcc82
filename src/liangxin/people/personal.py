"""Everything that the site stores about one person: as a file for them, and its deletion at their request.

`keep` leaves their verdicts under the alias, which then belongs to nobody; `erase` deletes those too, with every
text that the person wrote. Either happens in one transaction, wholly or not at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update

from liangxin.digests import canonical
from liangxin.errors import Conflict
from liangxin.people import audit
from liangxin.people.accounts import Account, check_last_owner, folded, found_account, locked_owners
from liangxin.people.logins import name_digest
from liangxin.store import ADJUDICATED, Database
from liangxin.store.judgements import AttemptKey, empty_reason, erase, said_by
from liangxin.store.people import (
    ACCOUNTS,
    ASSIGNMENTS,
    ATTACK_TURNS,
    ATTACKS,
    AUDIT,
    CANDIDATES,
    CHOICE_ITEMS,
    DECISIONS,
    INVITATIONS,
    LABELS,
    LOGIN_FAILURES,
    MEMBERS,
    PROJECTS,
    RESETS,
    RESPONSES,
    SESSIONS,
)

Extent = Literal["keep", "erase"]
_SECRET = {"password", "token", "csrf", "folded"}


def export(database: Database, account: Account, by: int | None) -> str:
    """Everything stored about a person, as JSON text; no password, hash or token is in it.

    Raises:
        NotThere: no such account.
    """
    key = account.key
    with database.write() as connection:
        found_account(connection, key)
        mine = select(ATTACKS.c.key).where(ATTACKS.c.account == key)
        made: dict[str, Any] = {
            "exported": time.time(),
            "account": _rows(connection, ACCOUNTS, ACCOUNTS.c.key == key)[0],
            "sessions": _rows(connection, SESSIONS, SESSIONS.c.account == key),
            "invitations": _rows(
                connection, INVITATIONS, or_(INVITATIONS.c.used_by == key, INVITATIONS.c.made_by == key)
            ),
            "password resets": _rows(
                connection, RESETS, or_(RESETS.c.account == key, RESETS.c.made_by == key)
            ),
            "projects made": _rows(connection, PROJECTS, PROJECTS.c.made_by == key),
            "memberships": _rows(connection, MEMBERS, MEMBERS.c.account == key),
            "seats": _rows(connection, ASSIGNMENTS, ASSIGNMENTS.c.account == key),
            "responses": _rows(connection, RESPONSES, RESPONSES.c.account == key),
            "marks": _rows(connection, LABELS, LABELS.c.account == key),
            "decisions": _rows(connection, DECISIONS, DECISIONS.c.account == key),
            "judgements": said_by(connection, account.alias),
            "attacks": _rows(connection, ATTACKS, ATTACKS.c.account == key),
            "attack turns": _rows(connection, ATTACK_TURNS, ATTACK_TURNS.c.attack.in_(mine)),
            "choice items": _rows(connection, CHOICE_ITEMS, CHOICE_ITEMS.c.made_by == key),
            "audit": _rows(connection, AUDIT, or_(AUDIT.c.account == key, _about(key))),
        }
        audit.note(connection, by, "personal data exported", of=key)
    return json.dumps(made, ensure_ascii=False, indent=1)


def remove(database: Database, account: Account, extent: Extent, by: int | None) -> None:
    """Delete a person: the account closes for good, its name and password go.

    Args:
        extent: `keep` the verdicts under the alias, or `erase` them with every text of the person.
        by: who does it: the person, or an owner at their request.

    Raises:
        NotThere: no such account.
        Conflict: they are the last owner of a team's site, or it was done before.
    """
    with database.write() as connection:
        owners = locked_owners(connection)
        found = found_account(connection, account.key)
        if found.erased and extent == "keep":
            raise Conflict("这个账号已经删除。", "This account has been deleted already.")
        if found.protected:
            check_last_owner(found, owners)
        if extent == "erase":
            _erase_verdicts(connection, found)
            _erase_decisions(connection, found)
            _erase_attacks(connection, found)
            _erase_choices(connection, found)
        _forget(connection, found)
        kept = "kept" if extent == "keep" else "deleted"
        audit.note(connection, by, "account deleted", of=found.key, verdicts=kept)


def _forget(connection: Connection, account: Account) -> None:
    """Remove who the person was, and what they had begun."""
    key = account.key
    connection.execute(delete(SESSIONS).where(SESSIONS.c.account == key))
    connection.execute(delete(RESETS).where(RESETS.c.account == key))
    connection.execute(delete(LOGIN_FAILURES).where(LOGIN_FAILURES.c.name == name_digest(account.name)))
    # The note of an invitation says for whom it was.
    connection.execute(update(INVITATIONS).where(INVITATIONS.c.used_by == key).values(note=""))
    connection.execute(delete(MEMBERS).where(MEMBERS.c.account == key))
    mine = ASSIGNMENTS.c.account == key
    connection.execute(update(ASSIGNMENTS).where(mine, ASSIGNMENTS.c.state == "taken").values(_FREE))
    # An assignment beside an overdue one was freed when it became overdue.
    connection.execute(delete(ASSIGNMENTS).where(mine, ASSIGNMENTS.c.state == "overdue"))
    # Last: a changed name keeps what refers to the account waiting, and who waits may hold one of these assignments.
    values = {"name": account.alias, "folded": folded(account.alias), "password": "", "closed": time.time()}
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key).values(values))


_FREE = {"state": "free", "account": None, "taken": None, "until": None, "done": None, "order": ""}


def _erase_verdicts(connection: Connection, account: Account) -> None:
    """Delete what the person said of answers; their finished assignments are free for others."""
    key = account.key
    connection.execute(delete(RESPONSES).where(RESPONSES.c.account == key))
    connection.execute(delete(LABELS).where(LABELS.c.account == key))
    erase(connection, account.alias)
    mine = ASSIGNMENTS.c.account == key
    connection.execute(update(ASSIGNMENTS).where(mine, ASSIGNMENTS.c.state == "done").values(_FREE))
    # A skipped assignment has been replaced by another.
    connection.execute(delete(ASSIGNMENTS).where(mine, ASSIGNMENTS.c.state == "skipped"))


def _erase_decisions(connection: Connection, account: Account) -> None:
    """Empty the reasons of the person's decisions; the gold labels stay the project's."""
    mine = DECISIONS.c.account == account.key
    decided = connection.execute(
        select(DECISIONS, CANDIDATES.c.run, CANDIDATES.c.rank, CANDIDATES.c.trial)
        .join(CANDIDATES, (CANDIDATES.c.task == DECISIONS.c.task) & (CANDIDATES.c.slot == DECISIONS.c.slot))
        .where(mine)
    ).all()
    projects = connection.execute(select(PROJECTS.c.key, PROJECTS.c.name))
    names = {row.key: row.name for row in projects}
    for row in decided:
        at = AttemptKey(row.run, row.rank, row.trial, row.turn, row.version)
        empty_reason(connection, at, f"people:{names.get(row.project)}", ADJUDICATED)
    connection.execute(update(DECISIONS).where(mine).values(reason=""))


def _erase_attacks(connection: Connection, account: Account) -> None:
    """Delete the person's attacks, accepted ones too, and their words in the reviews of others'."""
    mine = ATTACKS.c.account == account.key
    keys = select(ATTACKS.c.key).where(mine)
    connection.execute(delete(ATTACK_TURNS).where(ATTACK_TURNS.c.attack.in_(keys)))
    connection.execute(delete(ATTACKS).where(mine))
    _empty_reasons(connection, ATTACKS, account.key)


def _empty_reasons(connection: Connection, table: Table, account: int) -> None:
    """Empty the person's words in the histories of what others made."""
    for row in connection.execute(select(table.c.key, table.c.content)).all():
        content = json.loads(row.content)
        history = [_wordless(entry, account) for entry in content.get("history", ())]
        if history != content.get("history", []):
            changed = canonical({**content, "history": history})
            connection.execute(update(table).where(table.c.key == row.key).values(content=changed))


def _wordless(entry: Mapping[str, Any], account: int) -> dict[str, Any]:
    own = account in (entry.get("by"), entry.get("account"))
    return {name: "" if own and name in ("reason", "note") else value for name, value in entry.items()}


def _erase_choices(connection: Connection, account: Account) -> None:
    """Delete the choice items that the person made: they hold their own answers."""
    connection.execute(delete(CHOICE_ITEMS).where(CHOICE_ITEMS.c.made_by == account.key))
    _empty_reasons(connection, CHOICE_ITEMS, account.key)


def _about(key: int) -> ColumnElement[bool]:
    """Entries of the log that others made about this account."""
    inside = AUDIT.c.content.contains(f'"of":{key},', autoescape=True)
    return or_(inside, AUDIT.c.content.contains(f'"of":{key}}}', autoescape=True))


def _rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = [column for column in table.columns if column.name not in _SECRET]
    order: Sequence[Any] = list(table.primary_key.columns)
    found = connection.execute(select(*columns).where(condition).order_by(*order))
    return [_plain(row) for row in found.mappings()]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row with its JSON columns as values."""
    values = {str(name): value for name, value in row.items()}
    if "content" in values:
        values["content"] = json.loads(values["content"])
    return values
