"""Several answers of a transformers model written in one batch.

Each answer draws from a generator of its own, so its text depends on its prompt and seed and not on what
is written beside it. (Not bit for bit: sums are rounded a little otherwise in a batch of another shape, about
one part in a million, so a text may differ where two tokens are that close.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from liangxin.models.channel import Tell
from liangxin.models.reading import finish
from liangxin.models.transformers.loaded import Loaded
from liangxin.reasoning import opened_at_end
from liangxin.records import Reply, ReplyStatus, Usage

_TAIL = 8
"""Tokens that are looked at for a stop after each step: no stop is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One answer to be written."""

    prompt: str
    ids: tuple[int, ...]
    temperature: float
    """0 takes the likeliest token."""
    max_tokens: int
    seed: int | None
    stops: tuple[str, ...]
    tell: Tell | None = None
    """Is handed the content as it comes; True asks to stop."""


@dataclass(slots=True, kw_only=True)
class _Row:
    number: int
    asked: GenerationRequest
    generator: torch.Generator
    room: int
    """Tokens that may still be written."""
    written: list[int] = field(default_factory=list)
    ended: bool = False
    told: str = ""
    """What of the content was handed on."""


class Author:
    """Writes answers, a batch at a time."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._ends = loaded.ends()

    @torch.inference_mode()
    def write(
        self,
        batch: Sequence[GenerationRequest],
        timeout: float,
        done: Callable[[int, Reply], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Write all, telling each reply with its index when it ends.

        Args:
            timeout: seconds for the whole batch; what is not finished then has failed.
        """
        started = time.perf_counter()
        rows = []
        for number, asked in enumerate(batch):
            room = self._loaded.limits.context - len(asked.ids)
            if room < 1:
                done(
                    number,
                    _failed(
                        f"the prompt has {len(asked.ids)} tokens, the model holds {self._loaded.limits.context}"
                    ),
                )
                continue
            generator = torch.Generator()
            seed = secrets.randbits(63) if asked.seed is None else asked.seed % (1 << 63)
            generator.manual_seed(seed)
            rows.append(
                _Row(number=number, asked=asked, generator=generator, room=min(room, asked.max_tokens))
            )
        if rows:
            self._steps(rows, started + timeout, done, stopped)

    def _steps(
        self,
        rows: list[_Row],
        deadline: float,
        done: Callable[[int, Reply], None],
        stopped: Callable[[], bool],
    ) -> None:
        started = time.perf_counter()
        step = _Step(self._loaded, [row.asked.ids for row in rows])
        while True:
            logits = step.forward()
            chosen = [0 if row.ended else _choose(logits[at], row) for at, row in enumerate(rows)]
            late, closed = time.perf_counter() > deadline, stopped()
            for row, token in zip(rows, chosen, strict=True):
                if row.ended:
                    continue
                reason = self._take(row, token)
                if reason is not None:
                    row.ended = True
                    done(row.number, self._reply(row, reason, time.perf_counter() - started))
                elif late or closed or self._tell(row):
                    row.ended = True
                    done(
                        row.number,
                        _failed("no answer in time (--timeout)" if late else "stopped before its end"),
                    )
            open_rows = [at for at, row in enumerate(rows) if not row.ended]
            if not open_rows:
                return
            if 2 * len(open_rows) <= len(rows):
                step.keep(open_rows)
                rows, chosen = [rows[at] for at in open_rows], [chosen[at] for at in open_rows]
            step.append(chosen)

    def _take(self, row: _Row, token: int) -> str | None:
        """Add one token; the finish reason where the answer ends with it."""
        row.written.append(token)
        if token in self._ends:
            return "stop"
        if row.asked.stops:
            tail = self._loaded.decode(row.written[-_TAIL:])
            if any(stop in tail for stop in row.asked.stops):
                return "stop"
        return "length" if len(row.written) >= row.room else None

    def _tell(self, row: _Row) -> bool:
        """Hand on what was written since; whether whoever asked has gone."""
        if row.asked.tell is None:
            return False
        # A character may take several tokens: until the last has come it is decoded as U+FFFD.
        content = self._content(row).rstrip("\ufffd")
        fresh = content.removeprefix(row.told) if content.startswith(row.told) else ""
        row.told += fresh
        return row.asked.tell(fresh, False)

    def _content(self, row: _Row) -> str:
        """The text so far, with the mark of a block that the template has opened."""
        said = row.written[:-1] if row.written[-1] in self._ends else row.written
        text = self._loaded.decode(said)
        for stop in row.asked.stops:
            text = text.partition(stop)[0]
        return opened_at_end(row.asked.prompt) + text

    def _reply(self, row: _Row, reason: str, seconds: float) -> Reply:
        text = self._content(row)
        usage = Usage(prompt_tokens=len(row.asked.ids), completion_tokens=len(row.written))
        read = finish(text, reason, usage=usage)
        return Reply(
            text=read.text,
            reasoning=read.reasoning,
            status=read.status,
            detail=read.detail,
            usage=usage,
            seconds=seconds,
        )


class _Step:
    """The batch as the model sees it: padded on the left, so that every row goes on at the same column."""

    def __init__(self, loaded: Loaded, prompts: Sequence[Sequence[int]]) -> None:
        self._loaded = loaded
        longest = max(map(len, prompts))
        pads = [longest - len(ids) for ids in prompts]
        self._input = torch.tensor(
            [[0] * pad + list(ids) for pad, ids in zip(pads, prompts, strict=True)], device=loaded.device
        )
        self._mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads], device=loaded.device)
        self._places = (self._mask.cumsum(-1) - 1).clamp(min=0)
        self._cache: Any = None

    def forward(self) -> torch.Tensor:
        """Scores of each row's next token, `(rows, tokens)`, on the processor."""
        count, width = self._input.shape
        device = self._loaded.device
        kept = (torch.arange(count, device=device), torch.full((count,), width - 1, device=device))
        inputs: dict[str, Any] = {"input_ids": self._input, "attention_mask": self._mask, "use_cache": True}
        if self._loaded.takes_positions:
            inputs["position_ids"] = self._places
        if self._cache is not None:
            inputs["past_key_values"] = self._cache
        logits, self._cache = self._loaded.logits(kept, **inputs)
        return logits[:, : self._loaded.vocabulary].cpu()

    def append(self, tokens: Sequence[int]) -> None:
        """Go on with one token a row."""
        device = self._loaded.device
        self._input = torch.tensor(tokens, device=device).unsqueeze(1)
        self._mask = torch.cat([self._mask, self._mask.new_ones((len(tokens), 1))], dim=1)
        self._places = self._places[:, -1:] + 1

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        chosen = torch.tensor(rows, device=self._loaded.device)
        self._mask, self._places = self._mask[chosen], self._places[chosen]
        if hasattr(self._cache, "batch_select_indices"):
            self._cache.batch_select_indices(chosen)


def _choose(logits: torch.Tensor, row: _Row) -> int:
    if row.asked.temperature <= 0:
        return int(logits.argmax())
    chances = (logits.double() / row.asked.temperature).softmax(-1).cumsum(-1)
    drawn = torch.rand((), generator=row.generator, dtype=torch.float64) * chances[-1]
    return min(int(torch.searchsorted(chances, drawn, right=True)), len(chances) - 1)


def _failed(detail: str) -> Reply:
    return Reply(status=ReplyStatus.FAILED, detail=detail)
