"""What one command works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from liangxin.engine.hosts.trial import Confirm
from liangxin.models import ChatModel
from liangxin.store import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one command works with."""

    database: Database
    tell: Callable[[str], None]
    """Says a sentence to the user."""
    progress: TextIO | None = None
    """Where progress is shown; None shows none."""
    model: ChatModel | None = None
    """The model itself, where `spec.model` is only its name; whoever made it closes it."""
    confirm: Confirm | None = None
    """Asks the user a question; None where there is nobody to answer."""
    control: Callable[[Callable[[], object]], None] | None = None
    """Is handed a function that interrupts the work from another thread, as a signal would."""
