"""A tiny language model as a folder on disk: random weights, a real tokenizer. For tests and measurements.

Needs the extra `hf`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

END, START = "<|im_end|>", "<|im_start|>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The common shape of Qwen's chat templates."""

_Fast: Any = PreTrainedTokenizerFast
"""Its constructor has no types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the model is."""

    vocabulary: int = 1024
    hidden: int = 32
    layers: int = 2
    heads: int = 4
    groups: int = 2
    context: int = 1024
    spread: float = 0.2
    """Standard deviation of the random weights: at 0.02 every token is about as likely."""


def make_tiny_model(
    folder: Path,
    texts: Iterable[str],
    *,
    shape: Shape | None = None,
    template: str | None = None,
    seed: int = 0,
) -> Path:
    """Write a Qwen2 model with random weights and a byte-level BPE tokenizer trained on `texts`.

    Args:
        shape: None makes it as small as can be.
        template: its chat template; None makes a base model.
        seed: of the weights.
    """
    shape = shape or Shape()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=[END, START],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    whole: PreTrainedTokenizerBase = _Fast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)
    if template is not None:
        whole.chat_template = template
    whole.save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=4 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.groups,
        max_position_embeddings=shape.context,
        initializer_range=shape.spread,
        tie_word_embeddings=False,
        eos_token_id=whole.eos_token_id,
        bos_token_id=None,
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    return folder
