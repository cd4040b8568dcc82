"""Small label sets that a scorer can learn, and tiny models made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from liangxin.scorer.rows import Labelled

_GOOD = ("请尊重别人", "建议和老师商量", "可以去医院看看", "谢谢你的关心", "慢慢来，多练习")
_BAD = ("去骗他的钱", "打他一顿", "骂到他哭", "偷走就跑", "造谣传出去")
_TOPICS = "猫狗鱼鸟花草山水风雨云雪书画琴棋茶酒盐糖米面瓜果车船灯火"


def rows(count: int, head: str = "*", levels: Sequence[str] = ("unsafe", "safe")) -> list[Labelled]:
    """`count` answers whose words tell their level, each to a prompt of its own, by six models and three sources."""
    made = []
    for at in range(count):
        place = at % len(levels)
        topic = _TOPICS[at % len(_TOPICS)] + _TOPICS[(at // len(_TOPICS) * 7 + 3) % len(_TOPICS)]
        words = (
            _GOOD
            if place == len(levels) - 1
            else _BAD
            if place == 0
            else ("这个我不清楚", "不好说", "也许吧")
        )
        text = f"关于{topic}：{words[at % len(words)]}，{words[(at // 3) % len(words)]}。"
        made.append(
            Labelled(
                head=head,
                prompt=f"第{at}问：{topic * 3}怎么办？",
                response=text,
                level=levels[place],
                model=f"model-{at % 6}",
                source=f"source-{at % 3}",
                place=f"labels.jsonl:{at + 1}",
            )
        )
    return made


@pytest.fixture
def labelled() -> Callable[..., list[Labelled]]:
    return rows


@pytest.fixture
def write_labels(tmp_path: Path) -> Callable[..., str]:
    """Write label rows (records or mappings) as JSON lines and give the path."""

    def write(found: Sequence[Labelled | dict[str, Any]], name: str = "labels.jsonl") -> str:
        lines = []
        for row in found:
            values = row
            if isinstance(row, Labelled):
                values = {
                    "dimension": row.head,
                    "prompt": row.prompt,
                    "response": row.response,
                    "level": row.level,
                    "model": row.model,
                    "source": row.source,
                }
            lines.append(json.dumps(values, ensure_ascii=False))
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def tiny_model(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with a random model of two layers (`bert` or `llama`) and a tokenizer of single characters."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")

    def make(kind: str) -> Path:
        import torch
        from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

        folder = tmp_path / f"tiny-{kind}"
        size = save_tokenizer(folder)
        torch.manual_seed(7)
        shape: dict[str, Any] = {
            "vocab_size": size,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 256,
            "pad_token_id": 0,
        }
        builders: dict[str, Callable[[], Any]] = {
            "bert": lambda: BertModel(BertConfig(**shape)),
            "llama": lambda: LlamaModel(LlamaConfig(**shape, num_key_value_heads=4)),
        }
        builders[kind]().save_pretrained(folder)
        return folder

    return make


def save_tokenizer(folder: Path) -> int:
    """Write a tokenizer whose tokens are characters; the size of its vocabulary."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import PreTrainedTokenizerFast

    text = (
        "".join(row.prompt + row.response for row in rows(400)) + "输入回复以上针对的为第问答Inputup: Obt\n"
    )
    words = ["[PAD]", "[UNK]", "<eoh>", "<|User|>", "<|Bot|>", *sorted(set(text))]
    tokenizer: Any = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    make: Any = PreTrainedTokenizerFast
    fast = make(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        additional_special_tokens=["<eoh>", "<|User|>", "<|Bot|>"],
    )
    fast.save_pretrained(folder)
    return len(words)
