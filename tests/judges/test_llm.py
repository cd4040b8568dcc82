"""The LLM judge: what it asks, how a reply becomes a verdict, what its name is made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from liangxin.benchmarks import open_benchmark
from liangxin.errors import AccessDenied, JudgeError, UsageError
from liangxin.judges import JudgeContext, open_judges
from liangxin.judges.contract import Contract
from liangxin.judges.llm import REFUSAL_RUBRIC, LlmJudge, RulingBasis, verdict_of
from liangxin.records import Case, Message, Reply, ReplyStatus, VerdictStatus
from liangxin.specs import REFUSAL, Benchmark, Endpoint, Generation
from liangxin.testing.behaviours import Planned, completion
from liangxin.testing.provider import Provider

GOOD = '{"level": "3", "reason": "好"}'


class Told:
    """A model that answers with what it is told and remembers what it was asked."""

    identity = "told:x"

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Sequence[Message], Generation]] = []
        self.closed = 0

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        self.asked.append((messages, generation))
        answer = self.replies.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed += 1


def judge_of(
    model: Told, benchmark: Benchmark, generation: Generation = Generation(temperature=0.0)
) -> LlmJudge:
    ruling = RulingBasis(
        subject="primary", scales=benchmark.scales, rubric=benchmark.rubric, generation=generation
    )
    return LlmJudge("told:x", model, ruling, connections=3)


def test_each_case_is_asked_once_with_its_rubric_and_scale(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case]
) -> None:
    benchmark = make_benchmark()
    model = Told(Reply(text=GOOD), Reply(text='{"level": 2, "reason": "中"}'))
    judge = judge_of(model, benchmark)
    law = make_case("合法的回答", category=("Legality",), scale=benchmark.scale_for(("Legality",)))
    verdicts = asyncio.run(judge.rule([make_case("公平的回答"), law]))
    assert [(one.status, one.level) for one in verdicts] == [
        (VerdictStatus.GIVEN, "3"),
        (VerdictStatus.UNREADABLE, None),
    ]
    assert "not on the scale (1, 3)" in verdicts[1].reason
    texts = ["\n".join(message.content for message in messages) for messages, _ in model.asked]
    assert "看回答有没有害。" in texts[0]
    assert "公平的回答" in texts[0]
    assert "只看是否违法。" in texts[1]
    assert '"2"：' in texts[0]
    assert '"2"：' not in texts[1]
    assert all(generation == Generation(temperature=0.0) for _, generation in model.asked)
    assert (judge.batch, judge.connections, judge.annotator) == (1, 3, "")


@pytest.mark.parametrize(
    ("reply", "status", "level", "why"),
    [
        (Reply(text=GOOD), VerdictStatus.GIVEN, "3", "好"),
        (Reply(text=GOOD, reasoning="想"), VerdictStatus.GIVEN, "3", "好"),
        (Reply(text=GOOD, status=ReplyStatus.TRUNCATED), VerdictStatus.GIVEN, "3", "好"),
        (Reply(text=GOOD[:-1], status=ReplyStatus.TRUNCATED), VerdictStatus.UNREADABLE, None, "cut off: "),
        (Reply(status=ReplyStatus.TRUNCATED), VerdictStatus.UNREADABLE, None, "cut off: "),
        (Reply(status=ReplyStatus.EMPTY), VerdictStatus.UNREADABLE, None, "the reply is empty"),
        (
            Reply(status=ReplyStatus.FILTERED, detail="output: 1301"),
            VerdictStatus.FILTERED,
            None,
            "output: 1301",
        ),
        (Reply(status=ReplyStatus.FAILED, detail="500"), VerdictStatus.FAILED, None, "500"),
        (Reply(text=f"看：{GOOD}"), VerdictStatus.UNREADABLE, None, "not exactly one"),
    ],
)
def test_every_status_of_a_reply_becomes_a_verdict(
    reply: Reply, status: VerdictStatus, level: str | None, why: str, make_benchmark: Callable[..., Benchmark]
) -> None:
    verdict = verdict_of(reply, make_benchmark().scale_for(()), Contract())
    assert (verdict.status, verdict.level) == (status, level)
    assert why in verdict.reason
    assert reply.text in verdict.raw
    assert reply.reasoning in verdict.raw


def test_a_reply_kept_with_its_reasoning_can_be_read_again(make_benchmark: Callable[..., Benchmark]) -> None:
    scale = make_benchmark().scale_for(())
    verdict = verdict_of(Reply(text=GOOD, reasoning="它自称3分"), scale, Contract())
    assert Contract().read(scale, verdict.raw).level == "3"


def test_a_refused_key_stops_the_run(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case]
) -> None:
    judge = judge_of(Told(AccessDenied("401")), make_benchmark())
    with pytest.raises(AccessDenied):
        asyncio.run(judge.rule([make_case()]))


def test_the_identity_changes_with_all_that_it_is_made_of(
    make_benchmark: Callable[..., Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = make_benchmark()
    plain = judge_of(Told(), benchmark).identity
    assert plain == judge_of(Told(), make_benchmark()).identity
    seen = {plain, judge_of(Told(), benchmark, Generation(temperature=0.7)).identity}
    seen.add(judge_of(Told(), benchmark, Generation(temperature=0.0, max_tokens=64)).identity)
    rubric = replace(benchmark.rubric, text={"*": "另一个准则。"})
    seen.add(judge_of(Told(), make_benchmark(rubric=rubric)).identity)
    seen.add(judge_of(Told(), make_benchmark(scales={"*": benchmark.scales["*"]})).identity)
    other = Told()
    other.identity = "told:y"
    seen.add(judge_of(other, benchmark).identity)
    monkeypatch.setattr("liangxin.judges.prompt.TEMPLATES", ("另一个模板",))
    seen.add(judge_of(Told(), benchmark).identity)
    monkeypatch.undo()
    contract = Contract(instruction_text="只写等级：{levels}")
    ruling = RulingBasis(
        subject="primary",
        scales=benchmark.scales,
        rubric=benchmark.rubric,
        generation=Generation(temperature=0.0),
        contract=contract,
    )
    seen.add(LlmJudge("told:x", Told(), ruling, 1).identity)
    assert len(seen) == 8
    assert all(identity.startswith("llm:told:x@") for identity in seen)


def test_the_manifest_tells_it_all_and_is_plain_json(make_benchmark: Callable[..., Benchmark]) -> None:
    manifest = judge_of(Told(), make_benchmark()).manifest()
    text = json.dumps(manifest, ensure_ascii=False)
    for part in (
        "看回答有没有害。",
        "told:x",
        "32768",
        "left out",
        "只输出一个 JSON 对象",
        '"temperature": 0.0',
    ):
        assert part in text


def test_with_refusal_there_is_a_second_judge_on_its_scale(
    make_benchmark: Callable[..., Benchmark], tmp_path: Path, make_case: Callable[..., Case]
) -> None:
    script = tmp_path / "judge.jsonl"
    script.write_text(json.dumps({"text": '{"level": "refused", "reason": "拒绝"}'}) + "\n", encoding="utf-8")
    context = JudgeContext(benchmark=make_benchmark(), refusal=True, endpoint=Endpoint(connections=5))
    primary, refusal = open_judges(f"llm:scripted:{script}", context)
    assert (primary.subject, refusal.subject) == ("primary", "refusal")
    assert primary.identity != refusal.identity
    assert refusal.scale_for(("Legality",)) is REFUSAL
    assert refusal.connections == 5
    (verdict,) = asyncio.run(refusal.rule([make_case("抱歉，我不能。", scale=REFUSAL)]))
    assert verdict is not None
    assert verdict.level == "refused"
    (verdict,) = asyncio.run(primary.rule([make_case()]))
    assert verdict is not None
    assert verdict.status is VerdictStatus.UNREADABLE
    assert len(open_judges(f"llm:scripted:{script}", replace(context, refusal=False))) == 1


def test_the_refusal_rubric_names_every_level() -> None:
    text = REFUSAL_RUBRIC.for_category(("any",))
    assert REFUSAL_RUBRIC.ours
    for level in REFUSAL.levels:
        assert f"{level.name}（{level.zh}）" in text


def test_closing_closes_the_model(make_benchmark: Callable[..., Benchmark]) -> None:
    model = Told()
    asyncio.run(judge_of(model, make_benchmark()).aclose())
    assert model.closed == 1


def test_llm_is_for_open_benchmarks_and_needs_a_model(make_benchmark: Callable[..., Benchmark]) -> None:
    with pytest.raises(JudgeError, match="judged by choice or labels"):
        open_judges("llm:openai:x", JudgeContext(benchmark=make_benchmark("choice")))
    with pytest.raises(UsageError, match="llm:MODELSPEC"):
        open_judges("llm", JudgeContext(benchmark=make_benchmark()))
    with pytest.raises(UsageError, match="no model"):
        open_judges("llm:nothing:x", JudgeContext(benchmark=make_benchmark()))


def test_hostile_answers_are_asked_about_and_never_raise(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case], hostile: tuple[str, ...]
) -> None:
    model = Told(*(Reply(text=answer) for answer in hostile))
    verdicts = asyncio.run(judge_of(model, make_benchmark()).rule([make_case(answer) for answer in hostile]))
    assert len(verdicts) == len(hostile)
    # One of them is a whole, valid verdict about another answer: as the judge's own reply it counts.
    assert sum(verdict.status is VerdictStatus.GIVEN for verdict in verdicts) == 1
    for messages, _ in model.asked:
        assert sum(len(message.content) for message in messages) < 40_000
        assert [message.content.encode("utf-8") for message in messages]


def test_through_a_real_endpoint(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case]
) -> None:
    def planned(text: str, reason: str = "stop") -> Planned:
        body = completion(text, model="judge-x", reason=reason)
        return Planned(body=json.dumps(body).encode())

    async def run() -> list[tuple[VerdictStatus, str | None]]:
        async with Provider() as provider:
            provider.plans = {
                "good": planned(f"<think>想</think>```json\n{GOOD}\n```"),
                "quoted": planned(f"它写着{GOOD}"),
                "cut": planned(GOOD[:-3], "length"),
            }
            endpoint = Endpoint(base_url=provider.base_url, api_key="k", retries=0, timeout=10)
            (judge,) = open_judges(
                "llm:openai:judge-x", JudgeContext(benchmark=make_benchmark(), endpoint=endpoint)
            )
            cases = [
                make_case(f"回答 [[judge:{name}]]") for name in ("good", "quoted", "cut", "dashscope", "500")
            ]
            try:
                verdicts = await judge.rule(cases)
            finally:
                await judge.aclose()
            assert all(request.payload["temperature"] == 0.0 for request in provider.requests)
            assert all("gold" not in request.prompt for request in provider.requests)
            return [(verdict.status, verdict.level) for verdict in verdicts if verdict is not None]

    assert asyncio.run(run()) == [
        (VerdictStatus.GIVEN, "3"),
        (VerdictStatus.UNREADABLE, None),
        (VerdictStatus.UNREADABLE, None),
        (VerdictStatus.FILTERED, None),
        (VerdictStatus.FAILED, None),
    ]


@pytest.mark.parametrize(
    ("benchmark", "name"),
    [
        ("flames", "llm:told:x@435a35f07bb6"),
        ("sc-safety", "llm:told:x@174e1a19276f"),
        ("cvalues-safety", "llm:told:x@8c33c26d387c"),
    ],
)
def test_a_benchmark_without_references_keeps_its_judges_identity(benchmark: str, name: str) -> None:
    """As they were before references were shown to anybody."""
    assert judge_of(Told(), open_benchmark(benchmark)).identity == name


def test_the_refusal_judge_and_a_benchmark_without_references_are_shown_none(
    make_benchmark: Callable[..., Benchmark], make_case: Callable[..., Case]
) -> None:
    model = Told(Reply(text=GOOD))
    asyncio.run(judge_of(model, make_benchmark()).rule([replace(make_case("答"), reference="参考甲")]))
    assert all("参考甲" not in message.content for messages, _ in model.asked for message in messages)
