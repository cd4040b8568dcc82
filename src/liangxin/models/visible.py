"""What of an answer may be shown while it is still being written.

The pieces that were shown are always a beginning of the text that the whole answer will have (`split_think`,
`clean_text`, keys masked). The one exception is a think block that the provider's own template has opened: it
cannot be told from an answer before it closes (`lone_close`).
"""

from __future__ import annotations

from enum import Enum, auto

from liangxin.models.scrub import Secrets
from liangxin.reasoning import LONGEST, ReasoningMark, marks_in, may_open, may_wrap, opened_by
from liangxin.zh import clean_text

_NO_SECRETS = Secrets(())
_WINDOW = LONGEST - 1
"""Characters that may be the beginning of a mark."""


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
    HELD = auto()
    """In an answer that only its end can tell from what stands around it: nothing is shown before."""


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
        self._mark: ReasoningMark | None = None
        """Of the block that the answer opened last."""
        self._depth = 0
        self._opened: set[ReasoningMark] = set()
        """Marks that were opened in the middle of what was said."""
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
            self._follow()
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
        if not self._open(start) and not may_open(start, closing=not thinks_apart):
            self._at = _At.WAITING if self._waits and not thinks_apart else _At.ANSWER

    def _open(self, start: str) -> bool:
        """Enter the block that a text begins with, if it begins with one."""
        found = opened_by(start)
        if found is not None:
            self._mark, self._depth = found[0], 1
            self._at, self._held = _At.THOUGHT, start[found[1] :]
        return found is not None

    def _until_closed(self) -> None:
        assert self._mark is not None
        seen = 0
        for _, end, step in self._mark.steps(self._held):
            self._depth, seen = self._depth + step, end
            if not self._depth:
                self._close(self._mark, self._held[end:])
                return
        self._held = self._held[max(seen, len(self._held) - _WINDOW) :]

    def _close(self, mark: ReasoningMark, answer: str) -> None:
        self._held = answer
        self._at = _At.HELD if mark.tail else _At.AFTER

    def _follow(self) -> None:
        """Look at what comes behind a block: another one, tags around the answer, or the answer."""
        while self._at is _At.AFTER:
            start = self._held = self._held.lstrip()
            if self._open(start):
                self._until_closed()
            elif not start or may_open(start, closing=False):
                return
            else:
                self._at = _At.HELD if may_wrap(start) else _At.ANSWER

    def _watch(self) -> None:
        """Look for a closing mark that nothing opened; what was said before it was thought."""
        if self._mark is not None or self.lone_close:
            return
        seen = self._window + self._held
        for mark, _, end, step in marks_in(seen):
            if step > 0:
                self._opened.add(mark)
            elif mark not in self._opened:
                self.lone_close = True
                self._tail = ""
                self._close(mark, seen[end:])
                self._follow()
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
