"""The memory that bodies under way may hold together: a share grows as its body arrives, and waits where all is taken.

The oldest share never waits, so that one body always comes to its end and gives its bytes back: no two can wait for
each other. What is held may exceed the budget by that one body.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

BODIES = 256 << 20
"""Bytes that the bodies under way may hold together, whatever the endpoints."""
_BUDGETS: WeakKeyDictionary[asyncio.AbstractEventLoop, BodyBudget] = WeakKeyDictionary()
"""One for each loop: model, judges and jury of a command run in one, and memory is the process's."""


def shared_budget() -> BodyBudget:
    """The budget of all bodies of the running loop."""
    loop = asyncio.get_running_loop()
    found = _BUDGETS.get(loop)
    if found is None:
        found = _BUDGETS[loop] = BodyBudget(BODIES)
    return found


class BodyBudget:
    """Bytes that bodies hold together."""

    def __init__(self, size: int) -> None:
        """Begin with nothing taken.

        Args:
            size: bytes that all shares may hold together.
        """
        self._size = size
        self._shares: dict[BodyShare, None] = {}
        self._changed: list[asyncio.Future[None]] = []
        self.taken = 0
        """Bytes that the shares hold now."""

    def share(self) -> BodyShare:
        """A share of nothing yet."""
        return BodyShare(self)

    async def take(self, share: BodyShare, count: int) -> None:
        """Let a share grow, once there is room or it is the oldest."""
        self._shares.setdefault(share)
        while self.taken + count > self._size and next(iter(self._shares)) is not share:
            place = asyncio.get_running_loop().create_future()
            self._changed.append(place)
            await place
        self.taken += count

    def leave(self, share: BodyShare, count: int) -> None:
        """Take back what a share holds."""
        self._shares.pop(share, None)
        self.taken -= count
        waiting, self._changed = self._changed, []
        for place in waiting:
            if not place.done():
                place.set_result(None)


class BodyShare:
    """What one body holds of a budget."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._held = 0

    async def __aenter__(self) -> BodyShare:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.give_back()

    async def grow(self, count: int) -> None:
        """Hold more bytes; waits for its turn."""
        await self._budget.take(self, count)
        self._held += count

    def give_back(self) -> None:
        """Hold nothing more."""
        held, self._held = self._held, 0
        self._budget.leave(self, held)
