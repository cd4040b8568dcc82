"""What of an answer may be shown while it is still being written.

The pieces that were shown are always a beginning of the text that the whole answer will have (`split_think`,
`clean_text`, keys masked). The one exception is a think block that the provider's own template has opened: it
cannot be told from an answer before it closes (`lone_close`).
"""

from __future__ import annotations

from enum import Enum, auto

from liangxin.models.scrub import Secrets
from liangxin.reasoning import CLOSE, OPEN
from liangxin.zh import clean_text

_NO_SECRETS = Secrets(())
_WINDOW = max(len(OPEN), len(CLOSE)) - 1
"""Characters that may be the beginning of a tag."""


class _At(Enum):
    BEGINNING = auto()
    """Too little came to tell whether it is a think block."""
    THOUGHT = auto()
    """In a block that the answer opened."""
    WAITING = auto()
    """In a block that the template may have opened."""
    AFTER = auto()
    """Behind a block; white space is passed over."""
    ANSWER = auto()


class Visible:
    """Turns content as it comes, cut anywhere, into pieces to show."""

    def __init__(self, secrets: Secrets = _NO_SECRETS, *, waits: bool = False) -> None:
        """Begin an answer.

        Args:
            secrets: what must not be shown, even where it comes in two halves.
            waits: the template may have opened a think block: nothing is shown before it closes.
        """
        self._secrets = secrets
        self._waits = waits
        self._at = _At.BEGINNING
        self._held = ""
        self._window = ""
        self._open_seen = False
        self._tail = ""
        self._shown: list[str] = []
        self.lone_close = False
        """Whether a block was closed that the answer had not opened."""

    @property
    def shown(self) -> str:
        """Everything that was shown."""
        return "".join(self._shown)

    def take(self, content: str, *, thinks_apart: bool = False) -> str:
        """The next piece to show; empty where there is none yet.

        Args:
            content: what came, as it came.
            thinks_apart: thoughts come outside the content, so that a closing tag alone is ordinary text.
        """
        self._held += content
        if self._at is _At.BEGINNING:
            self._begin(thinks_apart)
        if self._at is _At.THOUGHT:
            self._until_closed()
        elif self._at is _At.WAITING:
            self._watch()
        if self._at is _At.AFTER:
            self._held = self._held.lstrip()
            if self._held:
                self._at = _At.ANSWER
        elif self._at is _At.ANSWER and not thinks_apart:
            self._watch()
        return self._say() if self._at is _At.ANSWER else ""

    def rest(self, text: str) -> str:
        """What of the finished answer's text is still to be shown; empty where something else was shown."""
        shown = self.shown
        if not text.startswith(shown) or len(text) == len(shown):
            return ""
        self._shown.append(text[len(shown) :])
        return self._shown[-1]

    def _begin(self, thinks_apart: bool) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._at, self._held = _At.THOUGHT, start[len(OPEN) :]
            self._open_seen = True
        elif not (OPEN.startswith(start) or (CLOSE.startswith(start) and not thinks_apart)):
            self._at = _At.WAITING if self._waits and not thinks_apart else _At.ANSWER

    def _until_closed(self) -> None:
        _, closed, answer = self._held.partition(CLOSE)
        self._held = answer if closed else self._held[-_WINDOW:]
        if closed:
            self._at = _At.AFTER

    def _watch(self) -> None:
        """Look for a closing tag that nothing opened; what was said before it was thought."""
        if self._open_seen or self.lone_close:
            return
        seen = self._window + self._held
        before, closed, answer = seen.partition(CLOSE)
        self._open_seen = OPEN in before
        if closed and not self._open_seen:
            self.lone_close = True
            self._at, self._held, self._tail = _At.AFTER, answer.lstrip(), ""
            if self._held:
                self._at = _At.ANSWER
            return
        self._window = seen[-_WINDOW:]
        if self._at is _At.WAITING:
            self._held = ""

    def _say(self) -> str:
        """Show what is held, but for half a character, half a key, or white space that nothing follows."""
        text, self._held = self._tail + self._held, ""
        half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = self._secrets.mask(clean_text(text[: len(text) - len(half)]))
        torn = self._secrets.torn(text)
        piece, self._tail = text[: len(text) - torn], text[len(text) - torn :] + half
        if not self._shown and not piece.strip():
            self._tail, piece = piece + self._tail, ""
        if piece:
            self._shown.append(piece)
        return piece
