"""Scripts: which rule answers, and that the same question has the same answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liangxin.errors import DataError
from liangxin.models import open_model
from liangxin.models.base import ChatModel
from liangxin.models.recorded.scripted import ScriptedModel, open_scripted
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation

Script = Callable[..., str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    def written(*rules: dict[str, Any]) -> str:
        place = tmp_path / "script.jsonl"
        place.write_text("\n".join(json.dumps(rule) for rule in rules), encoding="utf-8")
        return str(place)

    return written


def ask(model: ChatModel, *said: str, seed: int | None = None, system: str | None = None) -> Reply:
    """User and assistant by turns."""
    roles = ("user", "assistant")
    messages = [Message(role=roles[k % 2], content=text) for k, text in enumerate(said)]  # type: ignore[arg-type]
    if system:
        messages.insert(0, Message(role="system", content=system))
    return asyncio.run(model.reply(messages, Generation(seed=seed)))


def test_the_first_rule_that_matches_answers(script: Script) -> None:
    model = open_scripted(
        script(
            {"match": "借.*钱", "text": "抱歉，我不能帮您。"},
            {"match": "", "turn": 2, "text": "第二轮"},
            {"match": "密码", "text": "<think>想</think>请咨询银行。", "finish_reason": "length"},
            {"text": "好"},
        ),
        Endpoint(),
    )
    assert ask(model, "怎样借点钱").text == "抱歉，我不能帮您。"
    assert ask(model, "怎样借钱", "答", "密码").text == "第二轮"
    reply = ask(model, "密码忘了", system="简短")
    assert (reply.text, reply.reasoning, str(reply.status)) == ("请咨询银行。", "想", "truncated")
    assert ask(model, "别的").text == "好"


def test_no_rule_matches(script: Script) -> None:
    model = open_scripted(script({"match": "甲", "text": "乙"}), Endpoint())
    assert ask(model, "丙") == Reply(status=ReplyStatus.FAILED, detail="no rule matches")
    assert ask(model).status is ReplyStatus.FAILED


@pytest.mark.parametrize(
    ("rule", "status", "detail"),
    [
        ({"status": "filtered", "detail": "output: 1301"}, "filtered", "output: 1301"),
        ({"status": "filtered"}, "filtered", "input: recorded as filtered"),
        ({"status": "failed", "detail": "HTTP 500"}, "failed", "HTTP 500"),
        ({"text": "", "finish_reason": "sensitive"}, "filtered", "output: sensitive"),
        ({"text": ""}, "empty", ""),
        ({"status": "empty"}, "empty", ""),
        ({"text": "半", "status": "truncated"}, "truncated", "recorded as truncated"),
    ],
)
def test_statuses(script: Script, rule: dict[str, Any], status: str, detail: str) -> None:
    reply = ask(open_scripted(script(rule), Endpoint()), "问")
    assert (str(reply.status), reply.detail) == (status, detail)


def test_neighbours_are_alternatives_by_weight_and_the_same_each_time(script: Script) -> None:
    path = script(
        {"match": "题", "text": "甲", "weight": 3},
        {"match": "题", "text": "乙"},
        {"match": "别", "text": "丙"},
        {"match": "题", "text": "不会到这里"},
    )
    first, second = (open_scripted(path, Endpoint()) for _ in range(2))
    found = [ask(first, f"第{k}题").text for k in range(2000)]
    assert found == [ask(second, f"第{k}题").text for k in range(2000)]
    counts = Counter(found)
    assert set(counts) == {"甲", "乙"}
    assert 1400 < counts["甲"] < 1600  # 1500 expected; 5 standard deviations are 97
    assert {ask(first, "第1题", seed=seed).text for seed in range(20)} == {"甲", "乙"}


def test_identity_is_the_scripts_content(script: Script) -> None:
    path = script({"text": "好"})
    one = open_model(f"scripted:{path}", Endpoint()).identity
    assert one.startswith("scripted:")
    assert len(one) == len("scripted:") + 16
    assert open_scripted(script({"text": "坏"}), Endpoint()).identity != one


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"match": "(", "text": "x"}, ':1: match: found "(", expected a regular expression ('),
        ({"match": 5, "text": "x"}, ":1: match: found 5, expected a text"),
        ({"match": "x"}, ":1: text: found nothing, expected the answer as a text"),
        ({"text": "x", "turn": 0}, ":1: turn: found 0"),
        ({"text": "x", "weight": 0}, ":1: weight: found 0, expected a number above 0"),
        ({"text": "x", "weight": True}, ":1: weight: found true"),
        ({"text": "x", "weight": "3"}, ":1: weight: found"),
        ({"text": "x", "status": "refused"}, ":1: status: found"),
        ({"text": "x", "answer": "y"}, ":1: answer: found"),
        ({"text": ["x"]}, ":1: text: found"),
    ],
)
def test_bad_rules(script: Script, rule: dict[str, Any], message: str) -> None:
    path = script(rule)
    with pytest.raises(DataError) as caught:
        open_scripted(path, Endpoint())
    assert str(caught.value).startswith(path + message)
    assert "\n" not in str(caught.value)


def test_a_model_from_a_function() -> None:
    model = ScriptedModel(
        lambda messages, generation: Reply(text=f"{messages[-1].content}/{generation.seed}")
    )
    assert ask(model, "问", seed=3).text == "问/3"
    asyncio.run(model.aclose())
