"""A GGUF file answering in process, through llama.cpp (`xllamacpp`): `gguf` or `gguf:PATH`.

One seed gives one text, bit for bit, whatever else is being answered. llama.cpp alone does not promise
that: with its usual settings the sizes of its batches depend on what arrives together, and sums rounded in
another order soon choose another token. Five settings make a token's arithmetic its own (tested with log
probabilities on the CPU, beside reading one token at a time): the weights are not repacked, no prompt is
taken from a cache, each sequence has its own key-value cache, which holds all of it, and a step is too
small for the kernels that work on tiles of tokens.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import secrets
import struct
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from liangxin.digests import text_digest
from liangxin.errors import ModelError
from liangxin.files import file_digest
from liangxin.models import fewshot
from liangxin.models.base import Likelihood, NotWeighed
from liangxin.models.channel import Channel, Tell
from liangxin.models.llama_cpp.answer import AnswerPieces
from liangxin.models.llama_cpp.likelihood import check, weigh
from liangxin.models.llama_cpp.weights import INSTALL, SHA256, default_weights
from liangxin.models.reading import read_usage
from liangxin.models.threads import threads_wanted
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation
from liangxin.text import short

SEQUENCES = 4
"""Answers that are written in one batch."""
CONTEXT = 4096
"""Tokens of one conversation, its answer included."""
BATCH = 4
"""Tokens of one step, read or written; from 8 on other kernels take over, which round by a tile's place."""
CHAT_MAX_TOKENS = 1024
"""Tokens of an answer of a model that has a chat template, where the run names no number."""

_TEMPLATE_KEY = b"tokenizer.chat_template"
_STRING = 8
"""The type of a text among GGUF's metadata (ggml/docs/gguf.md)."""


def open_gguf(name: str, endpoint: Endpoint) -> GgufModel:
    """The model in the GGUF file `name`, or the default weights where it is empty.

    Raises:
        UsageError: LIANGXIN_THREADS is no number.
        ModelError: the extra is not installed, or the file is no GGUF file.
        DataError: the file cannot be read.
    """
    threads = threads_wanted()
    if find_spec("xllamacpp") is None:
        raise ModelError(f"gguf needs xllamacpp, which is not installed: {INSTALL}")
    if name:
        path, digest = Path(name), file_digest(name)
    else:
        path, digest = default_weights(), SHA256
    return GgufModel(
        path, digest, chat_template=read_chat_template(path), threads=threads, timeout=endpoint.timeout
    )


def read_chat_template(path: Path) -> str | None:
    """The chat template that a GGUF file carries; None: it is a base model.

    Raises:
        ModelError: it is no GGUF file.
    """
    key = struct.pack("<Q", len(_TEMPLATE_KEY)) + _TEMPLATE_KEY + struct.pack("<I", _STRING)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            if whole[:4] != b"GGUF":
                raise ModelError(f"{path} is not a GGUF file: it does not begin with GGUF")
            # The metadata stand before the tensors; a key found by its length, name and type is unmistakable.
            found = whole.find(key)
            if found < 0:
                return None
            (length,) = struct.unpack_from("<Q", whole, found + len(key))
            start = found + len(key) + 8
            return whole[start : start + length].decode("utf-8", "replace") or None
    except (OSError, ValueError, struct.error) as error:
        raise ModelError(f"{path} cannot be read as a GGUF file: {error}") from None


class GgufModel:
    """One model in memory. It is loaded by the first request, in a thread of its own."""

    whole_texts = False
    window = SEQUENCES

    def __init__(
        self, path: Path, digest: str, *, chat_template: str | None, threads: int = 1, timeout: float = 120.0
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            digest: sha256 of the file.
            chat_template: None prompts it as a base model, with examples.
            timeout: seconds for one answer once it is being worked on.
        """
        self._path = path
        self.has_chat_template = chat_template is not None
        self.template = chat_template or fewshot.template()
        """How a question becomes a prompt, for the manifest."""
        shape = (
            text_digest(json.dumps([self.template, CHAT_MAX_TOKENS], ensure_ascii=False), length=12)
            if self.has_chat_template
            else fewshot.template_digest()
        )
        self.identity = f"gguf:{digest[:16]}+{shape}"
        self.threads = threads
        self._timeout = timeout
        self._server: Any = None
        self._loading = threading.Lock()
        self._told_apart: set[tuple[str, ...]] = set()
        self._closed = threading.Event()
        self._workers = ThreadPoolExecutor(SEQUENCES, thread_name_prefix="liangxin-gguf")

    def __repr__(self) -> str:
        return f"GgufModel({self.identity!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Continue the conversation. Temperature is 0 where the run names none.

        Raises:
            ModelError: the file cannot be loaded.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._reply, tuple(messages), generation)

    async def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[str | Reply, None]:
        """The same text while it is written; see `Streaming`.

        Raises:
            ModelError: the file cannot be loaded.
        """
        channel = Channel()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._workers, self._reply, tuple(messages), generation, channel.tell)
        async with aclosing(channel.shown(work)) as pieces:
            async for piece in pieces:
                yield piece

    async def ready(self) -> None:
        """Load the file now, not with the first request: it keeps other threads waiting for a second or more.

        Raises:
            ModelError: the file cannot be loaded.
        """
        await asyncio.get_running_loop().run_in_executor(self._workers, self._load)

    async def loglikelihoods(
        self, messages: Sequence[Message], continuations: Sequence[str]
    ) -> Sequence[Likelihood]:
        """Weigh labels that one token tells apart; see `models/gguf_likelihood.py`.

        Raises:
            NotWeighed: llama.cpp does not answer.
            ModelError: the file cannot be loaded, or one token does not tell the labels apart.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._weigh, tuple(messages), tuple(continuations))

    async def aclose(self) -> None:
        """Stop what is being written and free the model's memory."""
        self._closed.set()
        await asyncio.get_running_loop().run_in_executor(None, self._free)

    def _free(self) -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._server = None

    def _reply(
        self, messages: tuple[Message, ...], generation: Generation, tell: Tell | None = None
    ) -> Reply:
        server = self._load()
        body = self._body(messages, generation)
        ask: Callable[[object, object], object] = (
            server.handle_chat_completions if self.has_chat_template else server.handle_completions
        )
        if tell is not None and tell("", False):  # whoever asked has gone while this waited
            return Reply(status=ReplyStatus.FAILED, detail="stopped before its end")
        started = time.perf_counter()
        answer = AnswerPieces(started + self._timeout, self._closed.is_set, tell)
        try:
            ask(body, answer.take)
        except (RuntimeError, ValueError) as error:
            return Reply(status=ReplyStatus.FAILED, detail=f"llama.cpp: {short(str(error))}")
        return replace(answer.reply(self._timeout), seconds=time.perf_counter() - started)

    def _weigh(self, messages: tuple[Message, ...], labels: tuple[str, ...]) -> tuple[Likelihood, ...]:
        server = self._load()

        def count(text: str) -> int:
            answer = self._once(server.handle_completions, {"prompt": text, "max_tokens": 1})
            return read_usage(answer.get("usage")).prompt_tokens or 0

        def ask(common: str, tops: int) -> dict[str, Any]:
            if not self.has_chat_template:
                prompt = fewshot.as_prompt(messages) + common
                return self._once(server.handle_completions, {"prompt": prompt, "logprobs": tops})
            held = [{"role": one.role, "content": one.content} for one in messages]
            # llama.cpp goes on with an assistant's message that stands last, and only without a think block.
            begun = [{"role": "assistant", "content": common}] if common else []
            chosen = {"logprobs": True, "top_logprobs": tops, "messages": held + begun}
            thinking = {"chat_template_kwargs": {"enable_thinking": False}}
            return self._once(server.handle_chat_completions, {**chosen, **thinking})

        if labels not in self._told_apart:
            check(count, labels)
            self._told_apart.add(labels)
        return weigh(ask, labels)

    def _once(self, ask: Callable[[object, object], object], body: dict[str, object]) -> dict[str, Any]:
        """The whole answer to a request for one token."""
        answers: list[dict[str, Any]] = []

        def take(piece: object) -> bool:
            answers.extend(
                one for one in (piece if isinstance(piece, list) else [piece]) if isinstance(one, dict)
            )
            return self._closed.is_set()

        settings: dict[str, object] = {"max_tokens": 1, "temperature": 0.0, "cache_prompt": False}
        try:
            ask({**settings, **body}, take)
        except (RuntimeError, ValueError) as error:
            raise NotWeighed(f"llama.cpp: {short(str(error))}") from None
        if not answers or "choices" not in answers[-1]:
            raise NotWeighed(f"llama.cpp: {short(str(answers[-1:] or 'no answer'))}")
        return answers[-1]

    def _body(self, messages: tuple[Message, ...], generation: Generation) -> dict[str, object]:
        body: dict[str, object] = {
            "temperature": 0.0 if generation.temperature is None else generation.temperature,
            "max_tokens": generation.max_tokens
            or (CHAT_MAX_TOKENS if self.has_chat_template else fewshot.MAX_TOKENS),
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": False,
        }
        if generation.seed is not None:
            # llama.cpp keeps a seed in 32 bits and takes the largest as "draw one".
            body["seed"] = generation.seed % 0xFFFFFFFF
        if self.has_chat_template:
            body["messages"] = [{"role": one.role, "content": one.content} for one in messages]
        else:
            body["prompt"] = fewshot.as_prompt(messages)
            body["stop"] = list(fewshot.STOPS)
        return body

    def _load(self) -> Any:
        with self._loading:
            if self._server is None:
                self._server = load(self._path, self.threads)
            return self._server


def load(path: Path, threads: int, step: int = BATCH) -> Any:
    """A llama.cpp server in this process; its memory is freed with the last reference to it.

    It also listens on a free port of the loopback address, and cannot be told not to: a random key, which
    nobody learns, closes that door.

    Args:
        step: tokens read or written at once; above 7 a text may depend on what else is asked.

    Raises:
        ModelError: the file cannot be loaded.
    """
    try:
        import xllamacpp
    except ImportError as error:  # installed, but made for another system
        raise ModelError(f"xllamacpp cannot be used here ({short(str(error))}): {INSTALL}") from None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.n_parallel = SEQUENCES
    settings.n_ctx = SEQUENCES * CONTEXT
    settings.n_ubatch = step
    settings.cpuparams.n_threads = threads
    settings.cpuparams_batch.n_threads = threads
    settings.kv_unified = False
    settings.swa_full = True
    settings.no_extra_bufts = True
    settings.cache_prompt = False
    settings.cache_ram_mib = 0
    settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    settings.fit_params = False
    settings.warmup = False
    settings.verbosity = -1
    settings.endpoint_slots = False
    settings.ui = False
    settings.api_keys = [secrets.token_hex(32)]
    try:
        return xllamacpp.Server(settings)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path} cannot be loaded by llama.cpp: {short(str(error))}") from None
