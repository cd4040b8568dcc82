"""A causal language model of transformers in memory, and the few things that are asked of it.

Imports torch and transformers: imported by the thread that works with the model, never at start-up.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from liangxin.errors import ModelError
from liangxin.models import fewshot
from liangxin.models.transformers.files import Folder
from liangxin.reasoning import closing_of, marking_tokens, opened_at_end
from liangxin.records import Message
from liangxin.text import short

_CACHE_BYTES = 1 << 29
"""Keys and values held at once: larger models get smaller batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLimits:
    """What fits."""

    context: int
    """Tokens of one conversation, its answer included."""
    sliding: int | None
    """The shortest attention window of any layer; None: all see everything."""
    cached_tokens: int
    """Tokens whose keys and values are held at once."""


class Loaded:
    """The model, its tokenizer and its limits."""

    def __init__(self, folder: Folder, threads: int) -> None:
        """Load; nothing is fetched and no code of the folder is run.

        Raises:
            ModelError: transformers cannot load it.
        """
        # Torch keeps this number for each thread that asks.
        torch.set_num_threads(threads)
        self._folder = folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            with _quiet():
                self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                    folder.path, local_files_only=True, trust_remote_code=False
                )
                model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                    folder.path,
                    local_files_only=True,
                    trust_remote_code=False,
                    use_safetensors=True,
                    # A processor has no fast half precision; what it computes is then exact to 1e-4.
                    dtype="auto" if self.device.type == "cuda" else torch.float32,
                )
        except Exception as error:  # whatever a damaged folder makes of two libraries
            raise ModelError(f"{folder.path} cannot be loaded by transformers: {short(str(error))}") from None
        self.model: Any = model.eval().to(self.device)
        self.limits = _limits(self.model)
        self.takes_positions = "position_ids" in inspect.signature(self.model.forward).parameters
        self._lead = _lead(self.tokenizer)
        added = self.tokenizer.added_tokens_decoder.items()
        special = {number: str(token) for number, token in added if token.special}
        marking = marking_tokens(set(special.values()))
        self._special = frozenset(special)
        self._marking = frozenset(number for number, token in special.items() if token in marking)
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None
        head = self.model.get_output_embeddings()
        self._hooked = head is not None
        if head is not None:
            head.register_forward_pre_hook(self._keep)
        self.narrows = True
        """Whether `narrow` is allowed; False once it was seen to change a number."""
        self._narrow = False
        self._wide: torch.Size | None = None
        last = _last_feed_forward(self.model)
        if last is not None:
            last.register_forward_pre_hook(self._gather)
            last.register_forward_hook(self._scatter)

    @property
    def vocabulary(self) -> int:
        """How many tokens a text may hold; the weights may have rows for more."""
        return len(self.tokenizer)

    @property
    def logit_rows(self) -> int:
        """Scores of one position."""
        return int(getattr(self.model.config.get_text_config(), "vocab_size", self.vocabulary))

    def ends(self) -> frozenset[int]:
        """The tokens that end an answer."""
        told = [self.tokenizer.eos_token_id, getattr(self.model.generation_config, "eos_token_id", None)]
        flat = [one for value in told for one in (value if isinstance(value, list) else [value])]
        return frozenset(one for one in flat if isinstance(one, int))

    def prompt(self, messages: Sequence[Message], *, thinking: bool = True) -> str:
        """The text that the model continues.

        Args:
            thinking: False closes the think block where the template can or does open one.

        Raises:
            ModelError: the chat template refuses the messages.
        """
        template = self._folder.chat_template
        if template is None:
            return fewshot.as_prompt(messages)
        try:
            text = self.tokenizer.apply_chat_template(
                [{"role": one.role, "content": one.content} for one in messages],
                chat_template=template,
                tokenize=False,
                add_generation_prompt=True,
                **({} if thinking else {"enable_thinking": False}),
            )
        except Exception as error:  # a template is a program of its own and raises what it likes
            raise ModelError(
                f"the chat template of {self._folder.path} refuses these messages "
                f"({', '.join(one.role for one in messages)}): {short(str(error))}"
            ) from None
        if not thinking and (opened := opened_at_end(str(text))):
            return f"{str(text).rstrip()}\n\n{closing_of(opened)}\n\n"
        return str(text)

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens, with those that the tokenizer puts in front of a text without a template."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids if self._folder.chat_template is not None else [*self._lead, *ids]

    def decode(self, ids: Sequence[int]) -> str:
        """An answer's text. Special tokens are left out, but for those that mark reasoning."""
        if self._marking:
            ids = [one for one in ids if one not in self._special or one in self._marking]
        text = self.tokenizer.decode(
            list(ids), skip_special_tokens=not self._marking, clean_up_tokenization_spaces=False
        )
        return str(text)

    def logits(
        self, kept: tuple[torch.Tensor, torch.Tensor], *, narrow: bool = False, **inputs: Any
    ) -> tuple[torch.Tensor, Any]:
        """One step of the model: scores at the positions that are wanted only, and the cache.

        Args:
            kept: rows and columns of the wanted positions, `(n,)` each, none twice.
            narrow: leave out the others in the last layer's feed-forward part too: nothing reads them there.

        Returns:
            float32 `(n, tokens)`, and the keys and values (None without `use_cache`).
        """
        self._kept, self._narrow = kept, narrow and self.narrows
        try:
            out = self.model(**inputs)
        finally:
            self._kept, self._narrow, self._wide = None, False, None
        logits = out.logits[0] if self._hooked else out.logits[kept]
        return logits.float(), out.get("past_key_values")

    def _keep(self, _: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        """Hand the last layer the wanted positions alone.

        It reads one hidden state a position, so nothing else changes; and what a model does to its scores
        afterwards (a scale, a soft cap) is still done.
        """
        if self._kept is None:
            return None
        return (arguments[0][self._kept].unsqueeze(0), *arguments[1:])

    def _gather(self, _: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        if self._kept is None or not self._narrow:
            return None
        self._wide = arguments[0].shape
        return (arguments[0][self._kept].unsqueeze(0), *arguments[1:])

    def _scatter(self, _: object, __: object, output: torch.Tensor) -> torch.Tensor | None:
        if self._kept is None or self._wide is None:
            return None
        whole = output.new_zeros(self._wide)
        whole[self._kept] = output[0]
        return whole


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no advice from transformers; what they were set to comes back."""
    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _lead(tokenizer: Any) -> list[int]:
    """The tokens that the tokenizer puts in front of any text; one that it puts behind would end the text."""
    bare, whole = tokenizer.encode("a", add_special_tokens=False), tokenizer.encode("a")
    starts = range(len(whole) - len(bare) + 1)
    start = next((at for at in starts if whole[at : at + len(bare)] == bare), 0)
    return list(whole[:start])


def _last_feed_forward(model: Any) -> Any:
    """The part of the last layer that treats each position by itself; None where it goes by another name."""
    count = getattr(model.config.get_text_config(), "num_hidden_layers", 0)
    for one in model.modules():
        if isinstance(one, torch.nn.ModuleList) and len(one) == count:
            return getattr(one[-1], "mlp", None)
    return None


def _limits(model: Any) -> ContextLimits:
    config = model.config.get_text_config()
    layers = int(getattr(config, "num_hidden_layers", 1))
    heads = int(getattr(config, "num_attention_heads", 1) or 1)
    width = int(getattr(config, "head_dim", 0) or int(getattr(config, "hidden_size", 1)) // heads)
    groups = int(getattr(config, "num_key_value_heads", 0) or heads)
    size = 2 * layers * groups * width * model.dtype.itemsize
    kinds = set(getattr(config, "layer_types", None) or ())
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    local = kinds != {"full_attention"}
    return ContextLimits(
        context=int(getattr(config, "max_position_embeddings", 0) or 1 << 20),
        sliding=min((one for one in windows if isinstance(one, int)), default=None) if local else None,
        cached_tokens=max(1, _CACHE_BYTES // max(1, size)),
    )
