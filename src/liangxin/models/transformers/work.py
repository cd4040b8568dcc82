"""What the thread of a transformers model does in one round: weigh all options that wait, write some answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liangxin.errors import ModelError
from liangxin.models import fewshot
from liangxin.models.base import Likelihood, NotWeighed
from liangxin.models.channel import Tell
from liangxin.models.transformers.files import CHAT_MAX_TOKENS, Folder
from liangxin.models.transformers.generate import Author, GenerationRequest
from liangxin.models.transformers.likelihood import LikelihoodScale, Weighing, split
from liangxin.models.transformers.loaded import Loaded
from liangxin.records import Message, Reply
from liangxin.specs import Generation


class ModelWork:
    """A loaded model and the two things it is asked for."""

    def __init__(self, folder: Folder, threads: int) -> None:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded.
        """
        self._loaded = Loaded(folder, threads)
        self._scale = LikelihoodScale(self._loaded)
        self._author = Author(self._loaded)
        self._stops = fewshot.STOPS if folder.chat_template is None else ()
        self._max_tokens = fewshot.MAX_TOKENS if folder.chat_template is None else CHAT_MAX_TOKENS

    def weigh(
        self,
        asked: Sequence[tuple[Sequence[Message], Sequence[str]]],
        tell: Callable[[int, tuple[Likelihood, ...] | Exception], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Weigh every conversation's continuations; each result, or why there is none, with its index."""
        numbers: list[int] = []
        weighings: list[Weighing] = []
        for number, (messages, continuations) in enumerate(asked):
            try:
                prompt = self._loaded.prompt(messages, thinking=False)
                weighings.append(split(self._loaded, prompt, continuations))
                numbers.append(number)
            except (NotWeighed, ModelError) as error:
                tell(number, error)
        if weighings:
            self._scale.weigh(weighings, lambda at, found: tell(numbers[at], found), stopped)

    def write(
        self,
        asked: Sequence[tuple[Sequence[Message], Generation, Tell | None]],
        timeout: float,
        tell: Callable[[int, Reply | Exception], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Answer every conversation; each reply, or why there is none, with its index."""
        numbers: list[int] = []
        batch: list[GenerationRequest] = []
        for number, (messages, generation, pieces) in enumerate(asked):
            try:
                prompt = self._loaded.prompt(messages)
            except ModelError as error:
                tell(number, error)
                continue
            numbers.append(number)
            batch.append(
                GenerationRequest(
                    prompt=prompt,
                    ids=tuple(self._loaded.encode(prompt)),
                    temperature=generation.temperature or 0.0,
                    max_tokens=generation.max_tokens or self._max_tokens,
                    seed=generation.seed,
                    stops=self._stops,
                    tell=pieces,
                )
            )
        self._author.write(batch, timeout, lambda at, reply: tell(numbers[at], reply), stopped)
