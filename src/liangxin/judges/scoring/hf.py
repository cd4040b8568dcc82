"""The `hf` backbone: an encoder or decoder of transformers with a linear head for each dimension.

Imports torch and transformers: loaded only for a scorer that needs them. Nothing is fetched, no code of a folder is
run, and weights are read from safetensors alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from liangxin.errors import JudgeError
from liangxin.judges.scoring.files import WEIGHTS, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKBONE = "backbone"
"""Folder of the backbone's configuration and tokenizer inside a scorer's directory."""
TEMPLATE = "Input: {prompt} Output: {response}"
"""The Flames paper's sample template (README, revision 34240ab)."""
_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolingSettings:
    """How texts become one vector each."""

    pooling: Literal["mean", "last"] = "last"
    template: str = TEMPLATE
    """Holds `{prompt}` and `{response}`, in this order; what follows the response is never cut off."""
    tokens: int = 512


class HfBackbone:
    """A model, its tokenizer and linear heads."""

    def __init__(self, model: Any, tokenizer: Any, heads: Sequence[Any], reading: PoolingSettings) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.heads = list(heads)
        self.reading = reading

    def parameters(self) -> list[Any]:
        """Every parameter, the model's first."""
        return [*self.model.parameters(), *(one for head in self.heads for one in head.parameters())]

    def state(self) -> dict[str, Any]:
        """Every tensor by name, on the processor, none sharing memory with another."""
        found = {f"{BACKBONE}.{name}": value for name, value in self.model.state_dict().items()}
        for place, head in enumerate(self.heads):
            found |= {f"heads.{place}.{name}": value for name, value in head.state_dict().items()}
        return {name: value.detach().cpu().contiguous().clone() for name, value in found.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over every tensor.

        Raises:
            RuntimeError: names or shapes differ.
        """
        cut = len(BACKBONE) + 1
        self.model.load_state_dict({k[cut:]: v for k, v in state.items() if k.startswith(f"{BACKBONE}.")})
        for place, head in enumerate(self.heads):
            prefix = f"heads.{place}."
            head.load_state_dict({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})

    def pooled(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """One vector a text (texts, hidden): the last token's hidden state, or the mean over tokens."""
        import torch

        device = next(self.model.parameters()).device
        rows = [fitted_tokens(self.tokenizer, prompt, response, self.reading) for prompt, response in pairs]
        longest = max(len(row) for row in rows)
        fill = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([row + [fill] * (longest - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        if self.reading.pooling == "last":
            return hidden[torch.arange(len(rows), device=device), mask.sum(dim=1) - 1]
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)

    def head_logits(self, pairs: Sequence[tuple[str, str]]) -> list[Any]:
        """For each head a tensor (texts, levels), with gradients."""
        vectors = self.pooled(pairs)
        return [head(vectors) for head in self.heads]

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[NDArray[np.float64]]:
        """See `liangxin.judges.scoring.predict.Backbone.logits`."""
        import torch

        self.model.eval()
        parts: list[list[NDArray[np.float64]]] = []
        with torch.no_grad():
            for at in range(0, len(pairs), _BATCH):
                found = self.head_logits(pairs[at : at + _BATCH])
                parts.append([one.double().cpu().numpy() for one in found])
        return [np.concatenate(one) for one in zip(*parts, strict=True)]


def fitted_tokens(tokenizer: Any, prompt: str, response: str, reading: PoolingSettings) -> list[int]:
    """Token ids of the filled template, at most `reading.tokens`: the response is cut, then the prompt; the rest never.

    The whole text is tokenized each time, as pieces of it might be tokenized otherwise.

    Raises:
        JudgeError: the template alone is too long.
    """
    before, _, rest = reading.template.partition("{prompt}")
    between, _, after = rest.partition("{response}")

    def ids(asked: str, said: str) -> list[int]:
        return list(tokenizer(before + asked + between + said + after, verbose=False)["input_ids"])

    found = ids(prompt, response)
    if len(found) <= reading.tokens:
        return found
    if len(ids(prompt, "")) <= reading.tokens:
        return ids(prompt, _longest(response, lambda said: len(ids(prompt, said)) <= reading.tokens))
    if len(ids("", "")) > reading.tokens:
        raise JudgeError(f"the template alone has more than {reading.tokens} tokens")
    return ids(_longest(prompt, lambda asked: len(ids(asked, "")) <= reading.tokens), "")


def _longest(text: str, fits: Any) -> str:
    """About the longest beginning that fits, by halving; the empty one fits."""
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle)
    return text[:low]


def load_hf(folder: Path, settings: Settings) -> HfBackbone:
    """Load an `hf` scorer's backbone and heads.

    Raises:
        JudgeError: torch or transformers are not installed, or the directory is not complete.
    """
    with needed(folder):
        from safetensors.torch import load_file
        from torch import nn
        from transformers import AutoConfig, AutoModel

        config = AutoConfig.from_pretrained(folder / BACKBONE, local_files_only=True, trust_remote_code=False)
        auto: Any = AutoModel
        model = auto.from_config(config, trust_remote_code=False)
        hidden = int(config.hidden_size)
        heads = [nn.Linear(hidden, len(head.levels)) for head in settings.heads]
        options = settings.options
        reading = PoolingSettings(
            pooling=options["pooling"], template=options["template"], tokens=int(options["tokens"])
        )
        backbone = HfBackbone(model, open_tokenizer(folder / BACKBONE), heads, reading)
        backbone.load_state(load_file(folder / WEIGHTS))
    return placed(backbone)


def placed(backbone: HfBackbone) -> HfBackbone:
    """The same on a GPU where there is one, ready to predict."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone.model.to(device).eval()
    for head in backbone.heads:
        head.to(device)
    return backbone


def open_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer, without running its code."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers; what they were set to comes back."""
    import transformers

    logging: Any = transformers.utils.logging
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()


@contextlib.contextmanager
def needed(folder: Path) -> Iterator[None]:
    """Say in one sentence what is missing or wrong, whatever two libraries make of it.

    Raises:
        JudgeError: instead of anything they raise.
    """
    try:
        yield
    except JudgeError:
        raise
    except ImportError:
        raise JudgeError(
            f"{folder}: this scorer needs torch and transformers: pip install 'liangxin[hf]'"
        ) from None
    except Exception as error:
        first = str(error).strip().partition("\n")[0][:200]
        raise JudgeError(f"{folder}: cannot be loaded ({first or type(error).__name__})") from None
