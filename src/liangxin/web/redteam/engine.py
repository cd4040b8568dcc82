"""How the red-teaming pages reach models and the judge: through the engine, with the site's settings alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from liangxin.errors import JudgeError, LiangxinError, ModelError
from liangxin.records import Reply, Verdict, VerdictStatus
from liangxin.redteam.attack_record import Attack, EngineVerdict
from liangxin.redteam.conversations import AttackRequest
from liangxin.web.site import AttackSettings

if TYPE_CHECKING:
    from liangxin.engine.chatting import Attacked, Referee

_LOG = logging.getLogger(__name__)
_FIRST = ("primary", "safety", "refusal")
"""Of several verdicts the one that says most about harm is shown."""


class Reached:
    """The models that a site offers and its judge, each opened once, on first use."""

    def __init__(self, settings: AttackSettings) -> None:
        self._settings = settings
        self._models: dict[str, Attacked] = {}
        self._referees: dict[tuple[str, str], Referee] = {}
        self._opening = asyncio.Lock()

    async def prepare(self) -> None:
        """Open every model and load the local ones; one that cannot be opened says so when it is asked."""
        for spec in self._settings.models:
            try:
                await (await self._model(spec)).ready()
            except LiangxinError as error:
                _LOG.warning("the model %s cannot be attacked: %s", spec, error)

    async def speak(self, asked: AttackRequest) -> AsyncGenerator[str | Reply, None]:
        """The answer to one turn: pieces, and last the whole reply.

        Raises:
            LiangxinError: the site does not offer the model, or it cannot be used.
        """
        model = await self._model(asked.model)
        async with aclosing(model.turns(asked.before, asked.prompt)) as pieces:
            async for piece in pieces:
                yield piece

    async def rule(self, attack: Attack) -> EngineVerdict:
        """What the judge says of the answer that is claimed to be broken.

        Raises:
            LiangxinError: the judge cannot be used.
        """
        broken = attack.broken
        if broken is None:
            raise JudgeError("no answer is claimed to be broken")
        referee = await self._referee(attack)
        exchanges = [turn.exchange for turn in attack.turns if turn.turn <= broken.turn]
        rulings = await referee.rule(exchanges, len(exchanges), attack.category, f"attack-{attack.key}")
        if not rulings:
            return EngineVerdict(judge=self._settings.judge, verdict=Verdict(status=VerdictStatus.ABSTAINED))
        first = min(rulings, key=lambda ruling: _FIRST.index(ruling.subject))
        return EngineVerdict(
            judge=first.judge, verdict=first.verdict, subject=first.subject, scale=first.scale
        )

    async def aclose(self) -> None:
        """Close what was opened."""
        for model in self._models.values():
            await model.aclose()
        for referee in self._referees.values():
            await referee.aclose()
        self._models.clear()
        self._referees.clear()

    async def _model(self, spec: str) -> Attacked:
        from liangxin.engine.chatting import open_attacked

        settings = self._settings
        if spec not in settings.models:
            raise ModelError("the site does not offer this model now")
        async with self._opening:
            if spec not in self._models:
                self._models[spec] = await asyncio.to_thread(
                    open_attacked, spec, settings.endpoint, settings.generation, settings.system
                )
            return self._models[spec]

    async def _referee(self, attack: Attack) -> Referee:
        from liangxin.engine.chatting import Referee, RefereeSettings, asks_models

        settings = self._settings
        benchmark = next((one for one in settings.benchmarks if one.name == attack.benchmark), None)
        if benchmark is None:
            raise JudgeError(f"the site was started without the benchmark {attack.benchmark}")
        # A scorer is one for all models; a judge that is a model itself wants to know whom it judges.
        model = attack.model if asks_models(settings.judge) else ""
        place = (benchmark.name, model)
        async with self._opening:
            if place not in self._referees:
                asked = RefereeSettings(
                    benchmark=benchmark, judge=settings.judge, endpoint=settings.judge_endpoint, model=model
                )
                self._referees[place] = await asyncio.to_thread(Referee, asked)
            return self._referees[place]
