"""A kind of model as a record: `parrot:WORD` says the word and the question."""

from __future__ import annotations

import json
from collections.abc import Sequence

from liangxin.models import ChatModel, ModelKind
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation, SpecHelp
from liangxin.traits import ModelTraits


class Parrot:
    """Answers at once; to a judge's request with a verdict."""

    def __init__(self, word: str) -> None:
        self.identity = f"parrot:{word}"
        self._word = word

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """The word and what was asked."""
        asked = messages[-1].content
        if '"level"' in asked:
            return Reply(text=json.dumps({"level": "kind", "reason": "鹦鹉"}, ensure_ascii=False))
        return Reply(text=f"{self._word}{asked}")

    async def aclose(self) -> None:
        """Nothing to release."""


def open_parrot(name: str, endpoint: Endpoint) -> ChatModel:
    """What `parrot:WORD` opens."""
    return Parrot(name)


PARROT = ModelKind(
    name="parrot",
    open=open_parrot,
    version="2",
    traits=ModelTraits(scripted=True),
    help=(SpecHelp(spec="parrot:WORD", zh="鹦鹉", en="says the word and the question"),),
)
