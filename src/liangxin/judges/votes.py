"""From a jury's votes to one verdict; pure arithmetic over verdicts and a scale.

Of `n` members, `g` gave a level and `f` failed (they may still give one when they are asked again):

- undecided while a failed member's vote could change the outcome: `failed`, so that the case is asked again;
- none gave one, and all for the same reason (blocked, unreadable): that status;
- `2 g < n`: `abstained`, with every member's reason;
- majority: the level with the most votes; several with the most are a tie;
- median: the middle level by points; of an even number, the level whose points are the mean of the middle
  two, else a tie.

Confidence is the share of all members that voted for the verdict's level: a member that gave none agrees
with nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from liangxin.records import Scale, Verdict, VerdictStatus

Rule = Literal["majority", "median"]
_REASON = 80
"""Characters of a member's reason within the jury's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One member's verdict; None where it had nothing to say."""

    member: str
    verdict: Verdict | None


def decide(votes: Sequence[Vote], scale: Scale, rule: Rule) -> Verdict:
    """The verdict of a jury: `given`, `abstained` or `failed`, with a reason that shows every vote."""
    levels = [
        vote.verdict.level
        for vote in votes
        if vote.verdict is not None and vote.verdict.status is VerdictStatus.GIVEN and vote.verdict.level
    ]
    failed = sum(vote.verdict is not None and vote.verdict.status is VerdictStatus.FAILED for vote in votes)
    shown = "; ".join(f"{vote.member}: {_shown(vote.verdict)}" for vote in votes)
    if failed and _open(levels, failed, len(votes), scale, rule):
        return Verdict(
            status=VerdictStatus.FAILED, reason=f"{failed} of {len(votes)} members failed: {shown}"
        )
    statuses = {vote.verdict.status if vote.verdict else None for vote in votes}
    if not levels and len(statuses) == 1 and (only := statuses.pop()) is not None:
        return Verdict(status=only, reason=shown)
    if 2 * len(levels) < len(votes):
        few = f"only {len(levels)} of {len(votes)} members ruled: {shown}"
        return Verdict(status=VerdictStatus.ABSTAINED, reason=few)
    winners = outcome(levels, scale, rule)
    if len(winners) != 1:
        return Verdict(status=VerdictStatus.ABSTAINED, reason=f"tie: {' and '.join(winners)} ({shown})")
    (level,) = winners
    agreeing = levels.count(level)
    return Verdict(
        level=level,
        confidence=agreeing / len(votes),
        reason=f"{agreeing} of {len(votes)} for {level} by {rule} ({shown})",
    )


def outcome(levels: Sequence[str], scale: Scale, rule: Rule) -> tuple[str, ...]:
    """The winning level; several are a tie, in the scale's order.

    Args:
        levels: the votes, at least one, each a level of the scale.
    """
    order = [level.name for level in scale.levels]
    if rule == "majority":
        counted = Counter(levels)
        most = max(counted.values())
        return tuple(name for name in order if counted[name] == most)
    points = {level.name: level.points for level in scale.levels}
    ranked = sorted(levels, key=lambda name: points[name])
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    if low == high:
        return (low,)
    middle = (points[low] + points[high]) / 2
    between = tuple(name for name in order if points[name] == middle)
    return between if len(between) == 1 else (low, high)


def _open(levels: Sequence[str], failed: int, members: int, scale: Scale, rule: Rule) -> bool:
    """Whether the failed members could still change what the others' votes make."""
    if not levels or 2 * len(levels) < members:
        return 2 * (len(levels) + failed) >= members
    now = outcome(levels, scale, rule)
    if len(now) != 1:
        return True
    if rule == "majority":
        counted = Counter(levels)
        most = counted.pop(now[0])
        return most <= max(counted.values(), default=0) + failed
    ordered = sorted(scale.levels, key=lambda level: level.points)
    extremes = (ordered[0].name, ordered[-1].name)
    return any(outcome([*levels, *[name] * failed], scale, rule) != now for name in extremes)


def _shown(verdict: Verdict | None) -> str:
    if verdict is None:
        return "no label"
    if verdict.status is VerdictStatus.GIVEN:
        return str(verdict.level)
    reason = " ".join(verdict.reason.split())
    short = reason if len(reason) <= _REASON else reason[: _REASON - 1] + "…"
    return f"{verdict.status} ({short})" if short else str(verdict.status)
