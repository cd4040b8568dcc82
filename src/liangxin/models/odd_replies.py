"""What is odd in a run's replies and should be said once, with its count."""

from __future__ import annotations

from collections import Counter

from liangxin.records import Reply, ReplyStatus

_SHOWN = 5
"""Words that are named; an endpoint could invent a new one each time."""


class OddReplies:
    """Counts replies as they come."""

    def __init__(self) -> None:
        self._unknown: Counter[str] = Counter()
        self._unsaid = 0

    def take(self, reply: Reply) -> None:
        """Count one reply, if there is anything to say of it."""
        if reply.unknown_finish:
            self._unknown[reply.unknown_finish] += 1
        if reply.status is ReplyStatus.EMPTY and reply.reasoning.strip():
            self._unsaid += 1

    def notices(self) -> list[str]:
        """A sentence for each kind."""
        found = []
        if self._unknown:
            named = ", ".join(f"{word!r} ({count})" for word, count in self._unknown.most_common(_SHOWN))
            more = len(self._unknown) - _SHOWN
            rest = f" and {more} other words" if more > 0 else ""
            found.append(
                f"{self._unknown.total()} answers ended with a finish_reason that no list knows: {named}{rest}; they count "
                "as failed, since they may not be whole"
            )
        if self._unsaid:
            found.append(
                f"{self._unsaid} empty answers had text in the reasoning alone: the model, or the server's reasoning "
                "parser, put all of it there"
            )
        return found
