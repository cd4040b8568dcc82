"""How likely a transformers model finds each of several continuations of one prompt.

The same numbers as one plain forward pass over prompt and continuation, with less work:

- what all prompts begin with (examples, instructions, a template's head) is read once;
- what the continuations of a prompt share (the prompt, and their own first tokens where they are alike) is
  read once, without padding masks, since what comes later cannot be seen;
- their remaining tokens are read in one further step, side by side in one row: a mask lets each see the
  prompt and itself, not the others. Continuations that differ in their last token only need no such step;
- scores over the vocabulary, and the last layer's feed-forward part, are computed where a token of a
  continuation is predicted, nowhere else;
- items wait together and those of like length share a batch.

Where a model cannot be read so (a recurrent state, a short attention window, positions of its own), which
is tried with its first items, each continuation is read in full.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch

from liangxin.models.base import Likelihood, NotWeighed
from liangxin.models.transformers.loaded import Loaded

_BATCH_TOKENS = 1024
"""Tokens of one batch, padding included: what lies in a processor's cache; measured, more is no faster."""
_GPU_BATCH_TOKENS = 16384
_OPENING = 16
"""Tokens from which on it is worth while to read a common beginning apart."""
_BATCH_SCORES = 1 << 26
"""Scores (wanted positions times tokens of the vocabulary) of one batch: 256 MB."""
_BUCKET = 16
"""Lengths that count as alike."""
_AGREEMENT = 1e-3
"""How far the two ways of reading may differ, in float32; with half precision ten times as far, a token."""
_UNFIT = (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError, IndexError)
"""What a model raises that cannot be read side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """The continuations of one prompt as tokens."""

    trunk: tuple[int, ...]
    """The prompt, and the first tokens that all continuations share."""
    shared: int
    """How many of the trunk's last tokens belong to the continuations."""
    rests: tuple[tuple[int, ...], ...]
    """What is left of each continuation; at least one token."""

    @property
    def branches(self) -> int:
        """Tokens that are read beyond the trunk: no continuation's last token is."""
        return sum(len(rest) - 1 for rest in self.rests)

    @property
    def wanted(self) -> int:
        """Positions whose scores are needed."""
        return self.shared + 1 + self.branches

    @property
    def plain(self) -> int:
        """Tokens of the longest continuation with its prompt."""
        return len(self.trunk) + max(map(len, self.rests))


def split(loaded: Loaded, prompt: str, continuations: Sequence[str]) -> Weighing:
    """Tokens of a prompt with each of its continuations.

    Prompt and continuation are encoded together, as lm-evaluation-harness does (`lm_eval/api/model.py`,
    `_encode_pair`, 0.4.13), and cut where the prompt's own tokens end. Where a token reaches over that
    border it is counted with the continuation, and the border moves back for all continuations alike: each
    is then weighed after the same tokens, and no character is lost or counted twice.

    Raises:
        NotWeighed: two continuations are the same tokens, one is empty, or they are too long for the model.
    """
    alone = loaded.encode(prompt)
    wholes = [loaded.encode(prompt + one) for one in continuations]
    border = min((_common(alone, whole) for whole in wholes), default=0)
    if not border:
        raise NotWeighed("the prompt has no token of its own")
    tails = [tuple(whole[border:]) for whole in wholes]
    if not all(tails) or len(set(tails)) < len(tails):
        raise NotWeighed("two of the options are the same to the tokenizer, or one is empty")
    alike = min(_common(tails[0], tail) for tail in tails)
    shared = min(alike, min(map(len, tails)) - 1)
    made = Weighing(
        trunk=(*alone[:border], *tails[0][:shared]),
        shared=shared,
        rests=tuple(tail[shared:] for tail in tails),
    )
    if made.plain > loaded.limits.context:
        raise NotWeighed(
            f"prompt and option have {made.plain} tokens, the model holds {loaded.limits.context}"
        )
    return made


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many first tokens are the same."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class LikelihoodScale:
    """Weighs many prompts' continuations on one model."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._batch_tokens = _GPU_BATCH_TOKENS if loaded.device.type == "cuda" else _BATCH_TOKENS
        self._shares: bool | None = None
        """Whether this model can read continuations side by side; None: not tried yet."""
        self._opening: tuple[int, ...] = ()
        """What all prompts begin with, and its keys and values."""
        self._opened: Any = None

    @torch.inference_mode()
    def weigh(
        self,
        weighings: Sequence[Weighing],
        done: Callable[[int, tuple[Likelihood, ...]], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Weigh all, telling each result with its index as its batch ends; stops early when asked to."""
        self._prepare([one for one in weighings if self._in_sight([one])])
        for numbers in self._batches(weighings):
            if stopped():
                return
            batch = [weighings[number] for number in numbers]
            results = self._shared(batch) if self._shares and self._in_sight(batch) else self._plain(batch)
            for number, result in zip(numbers, results, strict=True):
                done(number, result)

    def _prepare(self, weighings: Sequence[Weighing]) -> None:
        """Read the common beginning, and see once whether this model can be read side by side.

        Args:
            weighings: those that every layer sees whole.
        """
        if not weighings:
            return
        try:
            self._open(weighings)
        except _UNFIT:
            self._shares = False
        if self._shares is None:
            self._shares = self._agrees(weighings)
            if not self._shares and self._loaded.narrows:
                self._loaded.narrows = False
                self._shares = self._agrees(weighings)

    def _batches(self, weighings: Sequence[Weighing]) -> Iterator[list[int]]:
        """Indices by like length, as many as fit; the longer part decides what is alike."""
        trunks, branches = sum(len(one.trunk) for one in weighings), sum(one.branches for one in weighings)

        def order(number: int) -> tuple[int, int]:
            trunk, branch = len(weighings[number].trunk), weighings[number].branches
            return (branch // _BUCKET, trunk) if branches > trunks else (trunk // _BUCKET, branch)

        opening = len(self._opening)
        tokens = min(self._batch_tokens, self._loaded.limits.cached_tokens)
        scores = _BATCH_SCORES // self._loaded.logit_rows
        batch: list[int] = []
        longest = wanted = 0
        for number in sorted(range(len(weighings)), key=order, reverse=True):
            one = weighings[number]
            size = len(one.trunk) - opening + one.branches
            full = max(longest, size) * (len(batch) + 1) > tokens or wanted + one.wanted > scores
            if batch and full:
                yield batch
                batch, longest, wanted = [], 0, 0
            batch.append(number)
            longest, wanted = max(longest, size), wanted + one.wanted
        if batch:
            yield batch

    def _in_sight(self, batch: Sequence[Weighing]) -> bool:
        """Whether every layer sees the whole of each row."""
        window = self._loaded.limits.sliding
        return window is None or all(len(one.trunk) + one.branches <= window for one in batch)

    def _agrees(self, weighings: Sequence[Weighing]) -> bool:
        """Whether this model gives the same numbers read side by side, tried on a few items of unlike length."""
        by_length = sorted(weighings, key=lambda one: (len(one.trunk), one.branches))
        few = [by_length[at] for at in {0, len(by_length) // 2, len(by_length) - 1}]
        full = self._loaded.model.dtype == torch.float32
        try:
            pairs = zip(chain(*self._shared(few)), chain(*self._plain(few)), strict=True)
        except _UNFIT:
            return False
        return all(
            abs(one.logprob - other.logprob) <= _AGREEMENT * (1 if full else 10 * one.tokens)
            for one, other in pairs
        )

    def _open(self, weighings: Sequence[Weighing]) -> None:
        """Read what all trunks begin with, unless it has been read."""
        trunks = [one.trunk[: len(one.trunk) - one.shared - 1] for one in weighings]
        known = len(self._opening)
        if known and all(trunk[:known] == self._opening for trunk in trunks):
            return
        common = min(_common(trunks[0], trunk) for trunk in trunks)
        self._opening, self._opened = (), None
        if common < _OPENING or len(trunks) < 2 or self._shares is False:
            return
        inputs = torch.tensor([trunks[0][:common]], device=self._loaded.device)
        nowhere = torch.zeros(1, dtype=torch.long, device=self._loaded.device)
        _, self._opened = self._loaded.logits((nowhere, nowhere), input_ids=inputs, use_cache=True)
        self._opening = trunks[0][:common]

    def _shared(self, batch: Sequence[Weighing]) -> list[tuple[Likelihood, ...]]:
        """Trunks in one step, branches side by side in a second."""
        device = self._loaded.device
        opening = len(self._opening)
        longest = max(len(one.trunk) for one in batch)
        further = any(one.branches for one in batch)
        targets = _Targets()
        for row, one in enumerate(batch):
            start = len(one.trunk) - one.shared - 1 - opening
            for at in range(one.shared):
                token = one.trunk[opening + start + at + 1]
                targets.add(row, start + at, [(row, option, token) for option in range(len(one.rests))])
            first = [(row, option, rest[0]) for option, rest in enumerate(one.rests)]
            targets.add(row, len(one.trunk) - 1 - opening, first)
        sums = _Sums(batch)
        rows = [_padded(one.trunk[opening:], longest - opening) for one in batch]
        ids = torch.tensor(rows, device=device)
        inputs: dict[str, Any] = {"input_ids": ids, "use_cache": further, "narrow": True}
        if opening:
            inputs |= {"past_key_values": copy.deepcopy(self._opened), "use_cache": True}
            inputs["past_key_values"].batch_repeat_interleave(len(batch))
        logits, cache = self._loaded.logits(targets.kept(device), **inputs)
        sums.add(logits, targets)
        if further:
            self._branch(batch, longest, cache, sums)
        return sums.results()

    def _branch(self, batch: Sequence[Weighing], longest: int, cache: object, sums: _Sums) -> None:
        device, model = self._loaded.device, self._loaded.model
        width = max(one.branches for one in batch)
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        places = torch.zeros((len(batch), width), dtype=torch.long)
        seen = torch.zeros((len(batch), 1, width, longest + width), dtype=torch.bool)
        targets = _Targets()
        for row, one in enumerate(batch):
            seen[row, :, :, : len(one.trunk)] = True
            at = 0
            for option, rest in enumerate(one.rests):
                end = at + len(rest) - 1
                ids[row, at:end] = torch.tensor(rest[:-1], dtype=torch.long)
                places[row, at:end] = torch.arange(len(one.trunk), len(one.trunk) + end - at)
                seen[row, 0, at:end, longest + at : longest + end] = torch.ones(
                    (end - at, end - at), dtype=torch.bool
                ).tril()
                for step, token in enumerate(rest[1:]):
                    targets.add(row, at + step, [(row, option, token)])
                at = end
        mask = torch.zeros(seen.shape, dtype=model.dtype)
        mask.masked_fill_(~seen, torch.finfo(model.dtype).min)
        logits, _ = self._loaded.logits(
            targets.kept(device),
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=places.to(device),
            past_key_values=cache,
            use_cache=True,
            narrow=True,
        )
        sums.add(logits, targets)

    def _plain(self, batch: Sequence[Weighing]) -> list[tuple[Likelihood, ...]]:
        """Every continuation with its whole prompt, one after another of like length."""
        sums = _Sums(batch)
        rows = sorted(
            ((row, option) for row, one in enumerate(batch) for option in range(len(one.rests))),
            key=lambda key: len(batch[key[0]].trunk) + len(batch[key[0]].rests[key[1]]),
        )
        while rows:
            count = max(1, self._batch_tokens // batch[rows[0][0]].plain)
            self._full(batch, rows[:count], sums)
            del rows[:count]
        return sums.results()

    def _full(self, batch: Sequence[Weighing], keys: Sequence[tuple[int, int]], sums: _Sums) -> None:
        sequences = [(*batch[row].trunk, *batch[row].rests[option][:-1]) for row, option in keys]
        longest = max(map(len, sequences))
        targets = _Targets()
        for line, (row, option) in enumerate(keys):
            one = batch[row]
            said = (*one.trunk[len(one.trunk) - one.shared :], *one.rests[option])
            start = len(one.trunk) - one.shared - 1
            for step, token in enumerate(said):
                targets.add(line, start + step, [(row, option, token)])
        device = self._loaded.device
        inputs = torch.tensor([_padded(one, longest) for one in sequences], device=device)
        logits, _ = self._loaded.logits(targets.kept(device), input_ids=inputs, use_cache=False)
        sums.add(logits, targets)


class _Targets:
    """Which positions of a batch predict which tokens of which continuations."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._columns: list[int] = []
        self.positions: list[int] = []
        self.owners: list[tuple[int, int]] = []
        self.tokens: list[int] = []

    def add(self, row: int, column: int, predicted: Sequence[tuple[int, int, int]]) -> None:
        """One position and what it predicts: (item, option, token) each."""
        for item, option, token in predicted:
            self.positions.append(len(self._rows))
            self.owners.append((item, option))
            self.tokens.append(token)
        self._rows.append(row)
        self._columns.append(column)

    def kept(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows and columns of the positions."""
        return torch.tensor(self._rows, device=device), torch.tensor(self._columns, device=device)


class _Sums:
    """Log-probabilities added up for each continuation of a batch."""

    def __init__(self, batch: Sequence[Weighing]) -> None:
        self._batch = batch
        self._sums = [[0.0] * len(one.rests) for one in batch]

    def add(self, logits: torch.Tensor, targets: _Targets) -> None:
        """Add what one step's scores `(positions, tokens)` say of its targets."""
        positions = torch.tensor(targets.positions, device=logits.device)
        tokens = torch.tensor(targets.tokens, device=logits.device)
        found = logits[positions, tokens] - logits.logsumexp(-1)[positions]
        for (item, option), value in zip(targets.owners, found.tolist(), strict=True):
            self._sums[item][option] += value

    def results(self) -> list[tuple[Likelihood, ...]]:
        """One likelihood a continuation, by item."""
        return [
            tuple(
                Likelihood(logprob=total, tokens=one.shared + len(rest))
                for total, rest in zip(sums, one.rests, strict=True)
            )
            for one, sums in zip(self._batch, self._sums, strict=True)
        ]


def _padded(ids: Sequence[int], length: int) -> list[int]:
    """Filled up at the end with any token: nothing before it sees it."""
    return [*ids, *([0] * (length - len(ids)))]
