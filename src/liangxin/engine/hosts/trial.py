"""A look before the leap: where questions and verdicts go, and whether what answers there can be used at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from liangxin.errors import ModelError, UsageError
from liangxin.judges import Judge, ModelJudge
from liangxin.languages import in_language, language
from liangxin.models import ChatModel, Hosted, ModelHost, host_in
from liangxin.protocols import next_turn
from liangxin.records import FailureCause, VerdictStatus
from liangxin.store import StoredDialogue

Confirm = Callable[[str], bool]
"""Asks the user a question; whether the answer is yes."""


def models_of(judge: Judge) -> tuple[ChatModel, ...]:
    """The models that a judge asks."""
    return tuple(judge.asked) if isinstance(judge, ModelJudge) else ()


@contextmanager
def sparing(hosts: Sequence[Hosted]) -> Iterator[None]:
    """While it is open, each request to these is one attempt."""
    with ExitStack() as stack:
        for host in hosts:
            stack.enter_context(host.sparing())
        yield


def check_usable(cause: FailureCause, models: Sequence[ChatModel], detail: str) -> None:
    """See that a first request failed by something that may pass.

    Args:
        models: which were asked.
        detail: what came back, free of keys.

    Raises:
        ModelError: nothing that can answer is there.
    """
    if not cause.unusable:
        return
    asked = " and ".join(dict.fromkeys(model.identity for model in models))
    raise ModelError(
        f"{asked} cannot be asked: {detail}. Nothing more was asked; check the model's name, whether the server runs, "
        "and the address, which for most ends in /v1 (--base-url; for a judge --judge-base-url)"
    )


class Destinations:
    """Where a run's questions and verdicts go."""

    def __init__(self, model: ChatModel | None, identity: str, judges: Sequence[Judge]) -> None:
        """Look at nothing yet.

        Args:
            model: None where it is asked nothing more.
            identity: the model's, which tells where it was asked before.
        """
        self._model = model
        self._home = _place(model) or host_in(identity)
        self._judges = [judge for judge in judges if any(isinstance(one, Hosted) for one in models_of(judge))]
        self._questions = 0
        self._verdicts = [0] * len(self._judges)

    @property
    def any(self) -> bool:
        """Whether any host is asked."""
        return bool(self._judges) or isinstance(self._model, Hosted)

    @property
    def calls(self) -> int:
        """How many calls were counted."""
        return self._questions + sum(self._verdicts)

    async def count(self, chunks: AsyncIterator[Sequence[StoredDialogue]], keys: dict[str, int]) -> None:
        """Count the calls that are still to be made.

        Args:
            keys: those of the judges whom the store knows, by identity.
        """
        own = [keys.get(judge.identity) for judge in self._judges]
        async for chunk in chunks:
            for stored in chunk:
                exchanges = stored.dialogue.exchanges
                ask = next_turn(exchanges) if self._model is not None else None
                coming = 0 if ask is None else len(exchanges) - ask.turn + 1
                self._questions += coming
                there = [one.turn for one in exchanges if one.reply.judgeable]
                for place, (judge, key) in enumerate(zip(self._judges, own, strict=True)):
                    ruled = (
                        key is not None
                        and (found := stored.rulings.get((key, turn, judge.annotator))) is not None
                        and found.verdict.status is not VerdictStatus.FAILED
                        for turn in there
                    )
                    self._verdicts[place] += coming + len(there) - sum(ruled)

    def line(self) -> str:
        """One line: hosts, models, about how many calls; empty where nothing is to be asked."""
        home, said = self._home, []
        if self._questions:
            where = _named(self._model, home) if self._model is not None and home is not None else ""
            calls = f"{self._questions:,}"
            said.append(
                in_language(f"questions go to {where}, about {calls} calls")
                if where
                else in_language(f"questions go to no host, about {calls} calls")
            )
        for place, model in self._places():
            count = self._verdicts[place]
            if count and (there := _place(model)) is not None:
                where, calls = _named(model, there), f"{count:,}"
                said.append(
                    in_language(f"verdicts go to {where}, about {calls} calls: another host than the model's")
                    if home and there.host != home.host
                    else in_language(f"verdicts go to {where}, about {calls} calls")
                )
        return ("；" if language() == "zh" else "; ").join(said)

    def check_agreed(self, confirm: Confirm | None) -> None:
        """See that answers of a model on this machine leave it only where the user said so.

        Args:
            confirm: None where there is nobody to ask.

        Raises:
            UsageError: they would go to a provider whose address nobody gave, and nobody agreed.
        """
        home = self._home
        if home is None or not home.loopback:
            return
        for place, model in self._places():
            there = _place(model)
            if there is None or there.loopback or there.chosen or not self._verdicts[place]:
                continue
            sentence = f"the model is on this machine ({home.host}), and its answers would go to {there.host}"
            if confirm is None or not confirm(f"{sentence} to be judged. Send them?"):
                raise UsageError(
                    f"{sentence} to be judged: name the judge's address with --judge-base-url; nothing was asked"
                )

    def _places(self) -> Iterator[tuple[int, ChatModel]]:
        for place, judge in enumerate(self._judges):
            for model in models_of(judge):
                yield place, model


def _place(model: object) -> ModelHost | None:
    return model.place if isinstance(model, Hosted) else None


def _named(model: ChatModel | None, place: ModelHost) -> str:
    identity = model.identity if model is not None else ""
    return f"{place.host} ({identity.partition('@http')[0]})"
