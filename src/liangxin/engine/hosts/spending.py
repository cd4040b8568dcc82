"""What a run may cost: every request to a host is counted, and none is begun once a limit is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from liangxin.engine.results import RunResult
from liangxin.errors import StoreError, UsageError
from liangxin.models import ChatModel
from liangxin.models.metering.cache import ReplyCache, cache_path
from liangxin.models.metering.meter import MeteredModel
from liangxin.prices import PriceList, given_prices
from liangxin.records import Reply
from liangxin.specs import Endpoint, RunSpec, SpendingRules
from liangxin.store import Database, RunRecord
from liangxin.store.life.spending import Asker, Spent, add_spent, spent_on
from liangxin.words import Bilingual

_SAVE_AFTER = 32
"""Requests after which the counts are saved: a killed command has no more of its judges' uncounted, and those in
flight."""


class _Count:
    """The requests of one model for one part of the run."""

    def __init__(self, purse: Purse, spent: Spent) -> None:
        self.total = spent
        self.unsaved = _nothing(spent)
        self._purse = purse

    def begun(self) -> None:
        """See `Counts`."""
        self.add(requests=1)

    def ended(self, reply: Reply) -> None:
        """See `Counts`."""
        usage = reply.usage
        unsaid = reply.judgeable and (usage.prompt_tokens is None or usage.completion_tokens is None)
        self.add(
            prompt_tokens=usage.prompt_tokens or 0,
            completion_tokens=usage.completion_tokens or 0,
            reasoning_tokens=usage.reasoning_tokens or 0,
            uncounted=int(unsaid),
        )
        self._purse.note()

    def hit(self) -> None:
        """See `Counts`."""
        self.add(hits=1)
        self._purse.note()

    def add(self, **numbers: int) -> None:
        """Add to what was spent, in all and since it was last saved."""
        self.total = _plus(self.total, numbers)
        self.unsaved = _plus(self.unsaved, numbers)


_NUMBERS = ("requests", "hits", "prompt_tokens", "completion_tokens", "reasoning_tokens", "uncounted")


def _nothing(like: Spent) -> Spent:
    return Spent(part=like.part, model=like.model)


def _plus(spent: Spent, numbers: dict[str, int]) -> Spent:
    changed: dict[str, Any] = {name: getattr(spent, name) + more for name, more in numbers.items()}
    return replace(spent, **changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What was spent, with its cost where prices are known."""

    spent: Spent
    cost: float | None = None
    """None: no price is known, or the provider did not count."""
    currency: str | None = None

    @property
    def name(self) -> str:
        """What was asked."""
        return self.spent.model.partition("@http")[0]

    @property
    def line(self) -> Bilingual:
        """What it came to, as one line beside the name."""
        return Bilingual(zh=self._line(_ZH), en=self._line(_EN))

    def _line(self, words: Mapping[str, str]) -> str:
        spent = self.spent
        parts = [f"{words[spent.part]}{words['requests']} {spent.requests:,}"]
        if spent.tokens:
            parts.append(f"{words['tokens']} {spent.prompt_tokens:,} + {spent.completion_tokens:,}")
        if spent.reasoning_tokens:
            parts[-1] += f" ({words['reasoning']} {spent.reasoning_tokens:,})"
        if spent.hits:
            parts.append(f"{words['hits']} {spent.hits:,}")
        if spent.uncounted:
            parts.append(f"{words['uncounted']} {spent.uncounted:,}")
        if self.cost is not None:
            parts.append(f"{words['cost']} {self.cost:,.4f} {self.currency}")
        return " · ".join(parts)


_ZH = {
    "model": "",
    "judge": "评审",
    "requests": "请求",
    "tokens": "词元",
    "reasoning": "思考",
    "hits": "缓存命中",
    "uncounted": "未报词元数的请求",
    "cost": "费用",
}
_EN = {
    "model": "",
    "judge": "as judge, ",
    "requests": "requests",
    "tokens": "tokens",
    "reasoning": "reasoning",
    "hits": "cache hits",
    "uncounted": "requests without a token count",
    "cost": "cost",
}


def bills(spent: Sequence[Spent], prices: PriceList | None) -> tuple[Bill, ...]:
    """Each with its cost.

    Args:
        prices: None for those of LIANGXIN_PRICES, if any.

    Raises:
        DataError: that file is wrong.
    """
    prices = prices or (given_prices(None) if spent else None)
    return tuple(_bill(one, prices) for one in spent)


def _bill(spent: Spent, prices: PriceList | None) -> Bill:
    price = prices.of(spent.model) if prices else None
    if prices is None or price is None or spent.uncounted:
        return Bill(spent=spent)
    cost = price.cost(spent.prompt_tokens, spent.completion_tokens)
    return Bill(spent=spent, cost=cost, currency=prices.currency)


class Purse:
    """Counts what one run's model and judges ask, holds it to the limits, and keeps the counts in the store."""

    def __init__(self, rules: SpendingRules, database: Database, tell: Callable[[str], object]) -> None:
        """Count nothing yet.

        Args:
            tell: says a sentence to the user.

        Raises:
            DataError: the price file is wrong.
            UsageError: a cost is limited without prices.
            StoreError: the cache cannot be opened.
        """
        self._rules = rules
        self._prices = given_prices(rules.prices)
        if rules.max_cost is not None and self._prices is None:
            raise UsageError(
                "--max-cost needs prices: name a price file with --prices FILE; nothing was asked"
            )
        self._cache = ReplyCache(cache_path()) if rules.cache else None
        self._database = database
        self._tell = tell
        self._run: RunRecord | None = None
        self._counts: dict[tuple[Asker, str], _Count] = {}
        self._waiting = 0
        self._saving: asyncio.Future[None] | None = None

    def metered(self, spec: RunSpec) -> RunSpec:
        """The settings with which what is opened is counted here."""
        return replace(
            spec,
            endpoint=replace(spec.endpoint, meter=partial(self._put, "model")),
            judge_endpoint=replace(spec.judge_endpoint, meter=partial(self._put, "judge")),
        )

    def _put(self, part: Asker, model: ChatModel, endpoint: Endpoint) -> MeteredModel:
        if self._rules.max_cost is not None and self._prices and self._prices.of(model.identity) is None:
            raise UsageError(
                f"--max-cost: the price file names no price for {model.identity.partition('@http')[0]}; nothing was "
                "asked"
            )
        return MeteredModel(model, endpoint, self._count(Spent(part=part, model=model.identity)), self._cache)

    def _count(self, spent: Spent) -> _Count:
        key = (spent.part, spent.model)
        return self._counts.setdefault(key, _Count(self, spent))

    def take_up(self, run: RunRecord) -> None:
        """Go on from what earlier commands spent on the run.

        Raises:
            StoreError: the store cannot be read.
        """
        self._run = run
        for one in spent_on(self._database, run):
            self._count(_nothing(one)).total = one

    def spent(self) -> bool:
        """Whether a limit is reached: nothing more may be begun."""
        return self._rules.limited and bool(self.reached())

    def reached(self) -> str:
        """Which limit is reached, as a clause; empty where none is."""
        rules, totals = self._rules, [count.total for count in self._counts.values()]
        requests = sum(one.requests for one in totals)
        if rules.max_requests is not None and requests >= rules.max_requests:
            return f"{requests:,} requests of --max-requests {rules.max_requests:,}"
        if rules.max_tokens_total is None and rules.max_cost is None:
            return ""
        limit = "--max-tokens-total" if rules.max_tokens_total is not None else "--max-cost"
        uncounted = next((one.model for one in totals if one.uncounted), None)
        if uncounted is not None:
            return f"{uncounted} does not say how many tokens it took, so {limit} cannot be held"
        tokens = sum(one.tokens for one in totals)
        if rules.max_tokens_total is not None and tokens >= rules.max_tokens_total:
            return f"{tokens:,} tokens of --max-tokens-total {rules.max_tokens_total:,}"
        if rules.max_cost is not None and self._prices is not None:
            cost = sum(bill.cost or 0.0 for bill in bills(totals, self._prices))
            if cost >= rules.max_cost:
                return f"{cost:.4f} {self._prices.currency} of --max-cost {rules.max_cost:g}"
        return ""

    def ended(self, result: RunResult, left: int) -> RunResult:
        """A run's result with prices, and why it is not whole where a limit ended it; that and the cache's hits are told.

        Args:
            left: the calls that are still to be made.
        """
        if self._cache is not None:
            self._tell(self._hits())
        if not left or not self.spent():
            return replace(result, prices=self._prices)
        stopped = (
            f"stopped by the budget: {self.reached()}; about {left:,} calls are left. What was in flight was finished "
            "and is stored; the same command with a larger budget goes on from there"
        )
        self._tell(stopped)
        return replace(result, prices=self._prices, stopped=stopped)

    def _hits(self) -> str:
        count = sum(one.total.hits for one in self._counts.values())
        asked = sum(one.total.requests for one in self._counts.values())
        return f"cache: {count:,} answers were there, {asked:,} requests were sent, over all commands of this run"

    def note(self) -> None:
        """Save the counts once there are enough."""
        self._waiting += 1
        if self._waiting >= _SAVE_AFTER and self._saving is None and self._run is not None:
            self._waiting = 0
            self._saving = asyncio.ensure_future(self._saved_later())

    async def _saved_later(self) -> None:
        try:
            await asyncio.to_thread(self._save, self._taken())
        finally:
            self._saving = None

    def _taken(self) -> list[Spent]:
        """What is to be saved, which is then taken as saved."""
        taken = []
        for count in self._counts.values():
            nothing = _nothing(count.unsaved)
            if count.unsaved != nothing:
                taken.append(count.unsaved)
                count.unsaved = nothing
        return taken

    def _save(self, spent: Sequence[Spent]) -> None:
        if self._run is None:
            return
        try:
            add_spent(self._database, self._run.id, spent)
        except StoreError:
            # The answers matter more: what waits is saved with the next ones.
            for one in spent:
                numbers = {name: getattr(one, name) for name in _NUMBERS}
                count = self._counts[(one.part, one.model)]
                count.unsaved = _plus(count.unsaved, numbers)

    async def aclose(self) -> None:
        """Save what is not saved yet, and close the cache."""
        if self._saving is not None:
            await self._saving
        self._save(self._taken())
        if self._cache is not None:
            self._cache.close()
