"""Likelihoods beside a plain forward pass of the same model."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.benchmarks import open_benchmark, sample_path
from liangxin.data import read_items
from liangxin.models.base import Likelihood, Likelihoods, NotWeighed
from liangxin.models.transformers.files import open_folder
from liangxin.models.transformers.model import HfModel, open_hf
from liangxin.records import Message
from liangxin.specs import Endpoint

if TYPE_CHECKING:
    # torch is loaded by the one process that runs these tests, not by each that finds them.
    from liangxin.models.transformers.likelihood import Weighing
    from liangxin.models.transformers.loaded import Loaded

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
Case = tuple[str, tuple[str, ...]]


def cases(seed: int, count: int) -> list[Case]:
    """Questions and two to four options of unlike length from the embedded sample, labels and single letters."""
    draw = random.Random(seed)
    benchmark = open_benchmark("cvalues-choice")
    items = list(read_items(str(sample_path(benchmark)), benchmark.read))
    made: list[Case] = []
    for number in range(count):
        item = draw.choice(items)
        texts = {one[: draw.randint(1, 60)] for other in draw.sample(items, 3) for one in other.choices}
        options = tuple(draw.sample(sorted(texts), min(len(texts), draw.randint(2, 4))))
        if number % 3 == 0:
            options = draw.choice([("回复1", "回复2"), ("A", "B", "C", "D"), ("是", "是的", "不，不是")])
        made.append((item.turns[0][: draw.randint(5, 300)], options))
    return made


def weigh(model: HfModel, some: Sequence[Case]) -> list[Sequence[Likelihood]]:
    async def whole() -> list[Sequence[Likelihood]]:
        asked = [model.loglikelihoods([Message(role="user", content=q)], options) for q, options in some]
        return await asyncio.gather(*asked)

    return asyncio.run(whole())


def plainly(loaded: Loaded, prompt: str, option: str) -> tuple[float, int]:
    """One whole forward pass, every score computed; the tokens as the tokenizer gives them for the whole text."""
    import torch

    whole, start = loaded.encode(prompt + option), len(loaded.encode(prompt))
    with torch.inference_mode():
        scores = loaded.model(input_ids=torch.tensor([whole])).logits[0].log_softmax(-1)
    return sum(float(scores[at - 1, whole[at]]) for at in range(start, len(whole))), len(whole) - start


@pytest.fixture(scope="module")
def models(tiny_model: Callable[..., Path]) -> Iterator[dict[str, tuple[HfModel, Loaded]]]:
    from liangxin.models.transformers.loaded import Loaded

    made = {}
    for name, template in (("base", None), ("chat", CHATML)):
        place = str(tiny_model(template=template))
        made[name] = (open_hf(place, Endpoint()), Loaded(open_folder(place), 1))
    yield made
    for model, _ in made.values():
        asyncio.run(model.aclose())


@pytest.mark.parametrize("kind", ["base", "chat"])
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_a_plain_forward_pass(
    models: dict[str, tuple[HfModel, Loaded]], kind: str, seed: int
) -> None:
    model, loaded = models[kind]
    assert isinstance(model, Likelihoods)
    some = cases(seed, 24)
    lengths = set()
    for (question, options), found in zip(some, weigh(model, some), strict=True):
        prompt = loaded.prompt([Message(role="user", content=question)], thinking=False)
        for option, one in zip(options, found, strict=True):
            logprob, tokens = plainly(loaded, prompt, option)
            assert one.tokens == tokens
            assert one.logprob == pytest.approx(logprob, abs=1e-3)
            lengths.add(tokens)
    assert len(lengths) > 5


def test_the_fast_way_was_the_one_that_ran(models: dict[str, tuple[HfModel, Loaded]]) -> None:
    from liangxin.models.transformers.likelihood import LikelihoodScale

    loaded = models["base"][1]
    scale = LikelihoodScale(loaded)
    weighings = split_all(loaded, cases(5, 12))
    read: list[int] = []
    scored: list[int] = []
    hooks = [
        loaded.model.get_input_embeddings().register_forward_hook(
            lambda _, given, __: read.append(given[0].numel())
        ),
        loaded.model.get_output_embeddings().register_forward_hook(
            lambda _, given, __: scored.append(given[0].shape[1])
        ),
    ]
    scale.weigh(weighings, lambda *_: None, lambda: False)  # the first time it tries itself out
    read.clear()
    scored.clear()
    results: dict[int, Any] = {}
    scale.weigh(weighings, results.__setitem__, lambda: False)
    for hook in hooks:
        hook.remove()
    assert sorted(results) == list(range(len(weighings)))
    assert sum(scored) == sum(one.wanted for one in weighings)
    once = sum(len(one.trunk) + one.branches for one in weighings)
    each = sum(len(one.trunk) * len(one.rests) + one.branches for one in weighings)
    # What all begin with is read once, so fewer tokens are read than there are, padding included.
    assert sum(read) < once < each


def split_all(loaded: Loaded, some: Sequence[Case]) -> list[Weighing]:
    from liangxin.models.transformers.likelihood import split

    return [
        split(loaded, loaded.prompt([Message(role="user", content=question)], thinking=False), options)
        for question, options in some
    ]


def test_a_model_that_cannot_be_read_side_by_side_gives_the_same(
    models: dict[str, tuple[HfModel, Loaded]],
) -> None:
    from liangxin.models.transformers.likelihood import LikelihoodScale

    loaded = models["chat"][1]
    weighings = split_all(loaded, cases(6, 12))
    fast: dict[int, Any] = {}
    slow: dict[int, Any] = {}
    LikelihoodScale(loaded).weigh(weighings, fast.__setitem__, lambda: False)

    class Stubborn(LikelihoodScale):
        def _branch(self, *arguments: Any) -> None:
            raise TypeError("no masks of one's own, please")

    Stubborn(loaded).weigh(weighings, slow.__setitem__, lambda: False)
    assert sorted(slow) == sorted(fast)
    for number, found in slow.items():
        for one, other in zip(found, fast[number], strict=True):
            assert one.tokens == other.tokens
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)


def test_a_short_attention_window_is_respected(tiny_model: Callable[..., Path], tmp_path: Path) -> None:
    from liangxin.models.transformers.likelihood import LikelihoodScale
    from liangxin.models.transformers.loaded import Loaded

    place = Path(shutil.copytree(tiny_model(), tmp_path / "sliding"))
    config = json.loads((place / "config.json").read_text())
    config |= {"use_sliding_window": True, "sliding_window": 24, "max_window_layers": 0}
    config["layer_types"] = ["sliding_attention"] * len(config["layer_types"])
    (place / "config.json").write_text(json.dumps(config))
    loaded = Loaded(open_folder(str(place)), 1)
    assert loaded.limits.sliding == 24
    some = cases(7, 9)
    results: dict[int, Any] = {}
    LikelihoodScale(loaded).weigh(split_all(loaded, some), results.__setitem__, lambda: False)
    for number, (question, options) in enumerate(some):
        prompt = loaded.prompt([Message(role="user", content=question)])
        for option, one in zip(options, results[number], strict=True):
            assert one.logprob == pytest.approx(plainly(loaded, prompt, option)[0], abs=1e-3)


@given(
    st.text("问题答案：abc 1 \n，。", min_size=1, max_size=20),
    st.lists(st.text("回复一二12ab ，", min_size=1, max_size=8), min_size=2, max_size=4, unique=True),
)
def test_no_character_is_lost_or_counted_twice(
    models: dict[str, tuple[HfModel, Loaded]], prompt: str, options: list[str]
) -> None:
    from liangxin.models.transformers.likelihood import split

    loaded = models["base"][1]
    made = split(loaded, prompt + "：", options)
    for rest, option in zip(made.rests, options, strict=True):
        assert loaded.decode([*made.trunk, *rest]) == f"{prompt}：{option}"
    assert all(made.rests)


def test_a_token_over_the_border_belongs_to_the_options(models: dict[str, tuple[HfModel, Loaded]]) -> None:
    from liangxin.models.transformers.likelihood import split

    loaded = models["base"][1]
    # Two characters that the tokenizer writes as one token.
    pair = next(
        text
        for text in (loaded.tokenizer.decode([token]) for token in range(300, loaded.vocabulary))
        if len(text) == 2 and "�" not in text and len(loaded.encode(text)) == 1
    )
    made = split(loaded, f"好：{pair[0]}", (pair[1], "。"))
    assert loaded.decode(made.trunk[: len(made.trunk) - made.shared]) == "好："
    assert [loaded.decode(rest) for rest in made.rests] == [pair, f"{pair[0]}。"]


def test_what_cannot_be_weighed_leaves_the_others_alone(models: dict[str, tuple[HfModel, Loaded]]) -> None:
    model = models["base"][0]

    async def whole() -> list[Any]:
        asked = [("问", ("甲", "乙")), ("问", ("甲", "甲")), ("问" * 2000, ("甲", "乙")), ("问", ("", "乙"))]
        coroutines = [
            model.loglikelihoods([Message(role="user", content=q)], options) for q, options in asked
        ]
        return await asyncio.gather(*coroutines, return_exceptions=True)

    fine, same, long, empty = asyncio.run(whole())
    assert len(fine) == 2
    assert all(isinstance(one, NotWeighed) for one in (same, long, empty))
    assert "the model holds 1024" in str(long)
