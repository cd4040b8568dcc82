"""What waits for a person: tasks to judge, disagreements to settle, attacks and choice items to review."""

from __future__ import annotations

from dataclasses import dataclass

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.outcome.adjudication import disputes
from liangxin.annotation.projects import Projects
from liangxin.choice_items.items import ChoiceItems
from liangxin.people.accounts import Account
from liangxin.redteam.review import Reviews
from liangxin.store import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much of each waits for one person; nothing of what they may not do."""

    tasks: int
    """Tasks of their open projects that are left for them."""
    disputes: int = 0
    attacks: int = 0
    choices: int = 0


def waiting(database: Database, account: Account, *, single_user: bool) -> Waiting:
    """Counted anew at each request."""
    projects = Projects(database)
    mine = [project for project in projects.of(account) if project.state == "open"]
    tasks = sum(Assignments(database).progress(project, account.key).left for project in mine)
    if account.role not in ("owner", "adjudicator"):
        return Waiting(tasks=tasks)
    return Waiting(
        tasks=tasks,
        disputes=sum(disputes(database, projects.all(), account.key).values()),
        attacks=Reviews(database, single_user=single_user).waiting(account.key),
        choices=ChoiceItems(database).counts()["proposed"],
    )
