"""A two-layer transformer from a random start, for the `hf` line of the table: what the recipe does without pretraining.

It shows that the backbone trains and how little it is worth untrained on language; whoever has Chinese-RoBERTa or a
larger model puts its folder after `--backbone hf:`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liangxin.judges.scoring.hf import Reading, quiet
from liangxin.judges.scoring.predict import softmax
from liangxin.scorer.hf import Tuner, Tuning, open_backbone
from liangxin.scorer.ngram import Examples
from liangxin.scorer.train import Plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "hf: two layers, 64 wide, random start"
_EPOCHS = 6
_TOKENS = 256


def tiny_probabilities(
    learn: Examples, held: Examples, test: Sequence[tuple[str, str]]
) -> NDArray[np.float64]:
    """Uncalibrated probabilities on the test answers of a tiny model trained on the examples.

    Raises:
        ImportError: torch or transformers are not installed.
    """
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        _write_model(Path(place), [text for pair in learn.pairs for text in pair])
        tuning = Tuning(
            path=place, reading=Reading(pooling="mean", tokens=_TOKENS), epochs=_EPOCHS, rate=1e-3, batch=32
        )
        backbone = open_backbone(tuning, [2], seed=0)
        Tuner(backbone, Plan(name="tiny"), tuning, Path(place)).run(learn, held)
        return softmax(backbone.logits(test)[0])


def _write_model(folder: Path, texts: Sequence[str]) -> None:
    """A random model and a tokenizer whose tokens are the texts' characters."""
    import torch
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import BertConfig, BertModel
    from transformers import PreTrainedTokenizerFast as Fast

    words = ["[PAD]", "[UNK]", *sorted(set("".join(texts) + "Input: Output: "))]
    tokenizer: Any = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    make: Any = Fast
    make(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=_TOKENS,
        pad_token_id=0,
    )
    with quiet():
        BertModel(config).save_pretrained(folder)
