"""What a model thought before it answered, split off from what it said: the one place that knows the marks.

Marks are read without regard to case. Pure functions that never raise, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

OPEN, CLOSE = "<think>", "</think>"


def _any_of(forms: Iterable[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningMark:
    """How one family of models marks what it thinks."""

    open: tuple[str, ...]
    close: tuple[str, ...]
    source: str
    """Where it was read."""
    tail: tuple[str, ...] = ()
    """What may end the answer behind the block."""
    bare: bool = False
    """Plain words that mark nothing unless both are there, written just so."""

    def opened(self, start: str) -> int:
        """Where the block begins within a text that opens it; 0 where it does not."""
        if self.bare:
            whole = start.startswith(self.open) and self.close[0] in start
            return len(self.open[0]) if whole else 0
        found = re.match(_any_of(self.open), start, re.IGNORECASE)
        return found.end() if found else 0

    def steps(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Each mark in a text: its first and last place, and +1 where it opens a block, -1 where it closes one."""
        flags = re.NOFLAG if self.bare else re.IGNORECASE
        opening = "(?!)" if self.bare else _any_of(self.open)
        for found in re.finditer(f"({opening})|{_any_of(self.close)}", text, flags):
            yield found.start(), found.end(), 1 if found[1] else -1

    def until_closed(self, text: str) -> tuple[str, str, bool]:
        """What a block holds, what follows, and whether it ends.

        Blocks may stand in one another. A thought that only speaks of the mark opens one that nobody closes: then
        the last closing mark ends it.
        """
        depth, last = 1, None
        for first, end, step in self.steps(text):
            depth += step
            if step < 0:
                last = first, end
            if not depth:
                break
        return (text, "", False) if last is None else (text[: last[0]], text[last[1] :], True)


def _tagged(name: str, source: str) -> ReasoningMark:
    return ReasoningMark(open=(f"<{name}>",), close=(f"</{name}>",), source=source)


_HARMONY = ("<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>")
_HARMONY_FINAL = "<|channel|>final<|message|>"
_START = "<|start|>assistant"

MARKS: tuple[ReasoningMark, ...] = (
    _tagged("think", "chat templates of deepseek-ai/DeepSeek-R1, Qwen/Qwen3, zai-org/GLM-4.5, MiniMaxAI/MiniMax-M1"),
    _tagged("thinking", "docs.anthropic.com, chain-of-thought prompting: <thinking> and <answer> tags"),
    _tagged("thought", "model card of LGAI-EXAONE/EXAONE-Deep-32B; AIDC-AI/Marco-o1 writes <Thought>"),
    _tagged("reasoning", "trl and Open-R1 recipes: <reasoning> … </reasoning> <answer> … </answer>"),
    _tagged("seed:think", "chat template of ByteDance-Seed/Seed-OSS-36B-Instruct; vllm-project/vllm#23241"),
    ReasoningMark(
        open=("◁think▷",), close=("◁/think▷",), source="model card of moonshotai/Kimi-VL-A3B-Thinking"
    ),
    ReasoningMark(
        open=("[unused16]",),
        close=("[unused17]",),
        source="model card of openPangu-Embedded (ascend-tribe/openpangu-embedded-7b-model)",
    ),
    ReasoningMark(
        open=("[THINK]",), close=("[/THINK]",), source="model card of mistralai/Magistral-Small-2507"
    ),
    ReasoningMark(
        open=("<|begin_of_thought|>",),
        close=("<|end_of_thought|>",),
        source="model cards of NovaSky-AI/Sky-T1-32B-Preview and open-thoughts/OpenThinker-7B",
    ),
    ReasoningMark(
        open=("<|START_THINKING|>",),
        close=("<|END_THINKING|>",),
        source="chat template of CohereLabs/command-a-reasoning-08-2025",
    ),
    ReasoningMark(
        open=(*_HARMONY, *(_START + one for one in _HARMONY)),
        close=tuple(
            end + start + _HARMONY_FINAL for end in ("<|end|>", "") for start in (_START, "")
        ),
        tail=("<|return|>", "<|end|>"),
        source="cookbook.openai.com/articles/openai-harmony: channels analysis, commentary and final (gpt-oss)",
    ),
    ReasoningMark(
        open=("analysis",),
        close=("assistantfinal",),
        bare=True,
        source="the harmony format decoded without its special tokens, as servers without its parser return it",
    ),
)  # fmt: skip

_ANSWERS = (
    ("<answer>", "</answer>"),
    ("<output>", "</output>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
)
"""What some of these models put around what they say: deepseek-ai/DeepSeek-R1 (its R1-Zero prompt), Tencent Hunyuan-A13B,
AIDC-AI/Marco-o1, NovaSky-AI/Sky-T1, CohereLabs/command-a-reasoning."""

_SPECIAL = tuple(mark for mark in MARKS if not mark.bare)
_OPENING = re.compile("|".join(f"({_any_of(mark.open)})" for mark in _SPECIAL), re.IGNORECASE)
_CLOSING = re.compile("|".join(f"({_any_of(mark.close)})" for mark in _SPECIAL), re.IGNORECASE)
_ANSWER_OPENING = re.compile(_any_of(opening for opening, _ in _ANSWERS), re.IGNORECASE)
_BEGINNINGS = tuple(form.lower() for mark in MARKS for form in mark.open)
_ENDINGS = tuple(form.lower() for mark in _SPECIAL for form in mark.close)
_WRAPPERS = tuple(opening.lower() for opening, _ in _ANSWERS)
_FIRST = tuple({form[0] for form in (*_BEGINNINGS, *_ENDINGS)})
"""With what a mark begins, bare words included: a text without any of it is told at once."""
_FIRST_SPECIAL = tuple({form[0] for mark in _SPECIAL for form in (*mark.open, *mark.close)})
LONGEST = max(len(form) for form in (*_BEGINNINGS, *_ENDINGS))
"""Characters of the longest mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A content split into what was thought and what was said."""

    reasoning: str
    answer: str
    closed: bool = True
    """False: the think block never ends, so nothing was said."""


def split_think(
    content: str, *, lone_close: bool = True, repeated: bool = True, marks: Sequence[ReasoningMark] = MARKS
) -> Thought:
    """Split off the reasoning at the beginning of a content, closed or not, and what stands around the answer.

    Args:
        lone_close: a closing mark alone ends a block too, since chat templates may open it in the prompt.
        repeated: further blocks that follow directly are split off too.
        marks: those that are known.
    """
    first = _block(content, marks)
    if first is None and lone_close:
        first = _unopened(content, marks)
    if first is None:
        return Thought(reasoning="", answer=content)
    thoughts, answer, closed = [first.inner], first.rest, first.closed
    last = first
    while repeated and closed and (more := _block(answer, marks)) is not None:
        thoughts.append(more.inner)
        last, answer, closed = more, more.rest, more.closed
    reasoning = "\n\n".join(said for one in thoughts if (said := one.strip()))
    return Thought(reasoning=reasoning, answer=unwrapped(_without_tail(answer, last.mark)), closed=closed)


def strip_think(content: str) -> str:
    """What was said: nothing where the block never closes, as the answer was cut off before it began."""
    return split_think(content).answer


def with_thought(reasoning: str, answer: str) -> str:
    """The content that `split_think` takes apart again."""
    return f"{OPEN}{reasoning}{CLOSE}\n{answer}" if reasoning else answer


def unwrapped(answer: str) -> str:
    """An answer that followed reasoning, without the tags around all of it; white space before it is dropped."""
    answer = answer.lstrip()
    found = _ANSWER_OPENING.match(answer)
    if found is None:
        return answer
    close = next(end for opening, end in _ANSWERS if opening.lower() == found[0].lower())
    inner = answer[found.end() :]
    ends = [one.start() for one in re.finditer(re.escape(close), inner, re.IGNORECASE)]
    if not ends:
        return inner.strip()
    return inner[: ends[0]].strip() if len(inner.rstrip()) == ends[0] + len(close) else answer


def own_marks(opening: str, closing: str) -> tuple[ReasoningMark, ...]:
    """Marks that a user names."""
    return (ReasoningMark(open=(opening,), close=(closing,), source="--reasoning-marks"),)


def opened_by(start: str) -> tuple[ReasoningMark, int] | None:
    """The mark that a text begins with and where the block begins; None where it begins with none."""
    found = _OPENING.match(start)
    return (_SPECIAL[found.lastindex - 1], found.end()) if found and found.lastindex else None


def opened_at_end(prompt: str) -> str:
    """The opening mark that a prompt ends with, as it stands there; empty where it ends with none."""
    end = prompt.rstrip()
    forms = (form for mark in _SPECIAL for form in mark.open if end.lower().endswith(form.lower()))
    longest = max(forms, key=len, default="")
    return end[len(end) - len(longest) :] if longest else ""


def marking_tokens(tokens: Collection[str]) -> frozenset[str]:
    """Those of a tokenizer's special tokens that are marks or parts of one that it can open."""
    found: set[str] = set()
    for mark in _SPECIAL:
        if any(token in form for token in tokens for form in mark.open):
            forms = (*mark.open, *mark.close, *mark.tail)
            found.update(token for token in tokens if any(token in form for form in forms))
    return frozenset(found)


def closing_of(opening: str) -> str:
    """The closing mark of an opening one."""
    found = opened_by(opening)
    return found[0].close[0] if found else CLOSE


def may_open(start: str, *, closing: bool) -> bool:
    """Whether a text may turn out to begin with a mark once more of it has come.

    Args:
        closing: a closing mark counts too.
    """
    begun = start.lower()
    forms = (*_BEGINNINGS, *_ENDINGS) if closing else _BEGINNINGS
    return any(form.startswith(begun) for form in forms) or start.startswith("analysis")


def may_wrap(start: str) -> bool:
    """Whether a text begins, or may turn out to begin, with what stands around a whole answer."""
    begun = start.lower()
    return any(form.startswith(begun) or begun.startswith(form) for form in _WRAPPERS)


def marks_in(text: str) -> Iterator[tuple[ReasoningMark, int, int, int]]:
    """Each mark in a text by place: see `ReasoningMark.steps`."""
    if not _may_hold_mark(text):
        return
    found = [(first, -end, step, mark) for mark in _SPECIAL for first, end, step in mark.steps(text)]
    for first, end, step, mark in sorted(found, key=lambda one: one[:2]):
        yield mark, first, -end, step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    mark: ReasoningMark
    inner: str
    rest: str
    closed: bool


def _block(content: str, marks: Sequence[ReasoningMark]) -> _Block | None:
    """The block that a content begins with."""
    start = content.lstrip()
    if marks is MARKS and not start.startswith(_FIRST):
        return None
    for mark in marks:
        end = mark.opened(start)
        if end:
            inner, rest, closed = mark.until_closed(start[end:])
            return _Block(mark=mark, inner=inner, rest=rest, closed=closed)
    return None


def _unopened(content: str, marks: Sequence[ReasoningMark]) -> _Block | None:
    """The block that a closing mark ends although nothing in the content opened it."""
    if marks is MARKS and not (_may_hold_mark(content) and _CLOSING.search(content)):
        return None
    found: list[tuple[int, int, ReasoningMark]] = []
    for mark in marks:
        first = None if mark.bare else next(mark.steps(content), None)
        if first is not None and first[2] < 0:
            found.append((first[0], first[1], mark))
    if not found:
        return None
    begins, ends, mark = min(found, key=lambda one: (one[0], -one[1]))
    return _Block(mark=mark, inner=content[:begins], rest=content[ends:], closed=True)


def _may_hold_mark(text: str) -> bool:
    return any(first in text for first in _FIRST_SPECIAL)


def _without_tail(answer: str, mark: ReasoningMark) -> str:
    return re.sub(rf"(?:{_any_of(mark.tail)})\s*\Z", "", answer) if mark.tail else answer
