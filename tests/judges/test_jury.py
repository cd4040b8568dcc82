"""The jury: who may sit on it, how it asks, what it keeps, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liangxin.errors import AccessDenied, JudgeError, UnknownName, UsageError
from liangxin.judges import Judge, JudgeContext, open_judges
from liangxin.judges.jury import JuryJudge, Member
from liangxin.models.http.presets import PRESETS
from liangxin.records import Case, Scale, Verdict, VerdictStatus
from liangxin.specs import Benchmark, Endpoint, Generation
from liangxin.testing.provider import Provider

Benchmarks = Callable[..., Benchmark]
Cases = Callable[..., Case]


class Juror:
    """A judge that rules by a table of answers and remembers what it met."""

    subject = "primary"
    batch = 1
    connections = 3

    def __init__(
        self, name: str, scale: Scale, rulings: dict[str, Verdict | Exception | None], annotator: str = ""
    ) -> None:
        self.identity = f"{name}@0"
        self.annotator = annotator
        self.scale = scale
        self.rulings = rulings
        self.met: list[str] = []
        self.closed = 0
        self.stopped = False

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        return self.scale

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        found: list[Verdict | None] = []
        for case in cases:
            self.met.append(case.answer)
            ruling = self.rulings[case.answer]
            try:
                await asyncio.sleep(0 if isinstance(ruling, Exception) else 0.01)
            except asyncio.CancelledError:
                self.stopped = True
                raise
            if isinstance(ruling, Exception):
                raise ruling
            found.append(ruling)
        return found

    def manifest(self) -> dict[str, object]:
        return {"name": self.identity}

    def notices(self) -> Sequence[str]:
        return (f"{self.identity} says so", "all say so")

    async def aclose(self) -> None:
        self.closed += 1


def jury_of(*jurors: Juror, rule: Any = "majority") -> JuryJudge:
    names = ",".join(juror.identity for juror in jurors)
    return JuryJudge(names, [Member(spec=juror.identity, judge=juror) for juror in jurors], rule)  # type: ignore[arg-type]


@pytest.fixture
def jurors(make_benchmark: Benchmarks) -> tuple[Juror, Juror, Juror]:
    scale = make_benchmark().scale_for(())
    good, bad = Verdict(level="3", reason="好", raw="甲"), Verdict(level="1", reason="差", confidence=0.4)
    rulings: list[dict[str, Verdict | Exception | None]] = [
        {"同": good, "分": good, "平": good, "无": None},
        {"同": good, "分": good, "平": bad, "无": None},
        {"同": good, "分": bad, "平": Verdict(status=VerdictStatus.UNREADABLE, reason="乱"), "无": None},
    ]
    a, b, c = (Juror(name, scale, ruling) for name, ruling in zip("ABC", rulings, strict=True))
    return a, b, c


def test_votes_reasons_and_everything_kept(jurors: tuple[Juror, ...], make_case: Cases) -> None:
    jury = jury_of(*jurors)
    cases = [make_case(answer) for answer in ("同", "分", "平", "无")]
    same, split, tie, nothing = asyncio.run(jury.rule(cases))
    assert same is not None
    assert (same.level, same.confidence) == ("3", 1.0)
    assert same.reason == "3 of 3 for 3 by majority (A@0: 3; B@0: 3; C@0: 3)"
    assert split is not None
    assert (split.level, split.confidence) == ("3", 2 / 3)
    assert tie is not None
    assert (tie.level, tie.status, tie.confidence) == (None, VerdictStatus.ABSTAINED, None)
    assert tie.reason == "tie: 1 and 3 (A@0: 3; B@0: 1; C@0: unreadable (乱))"
    assert nothing is None
    assert json.loads(tie.raw) == {
        "rule": "majority",
        "members": [
            {
                "judge": "A@0",
                "level": "3",
                "status": "given",
                "confidence": None,
                "reason": "好",
                "raw": "甲",
            },
            {"judge": "B@0", "level": "1", "status": "given", "confidence": 0.4, "reason": "差", "raw": ""},
            {
                "judge": "C@0",
                "level": None,
                "status": "unreadable",
                "confidence": None,
                "reason": "乱",
                "raw": "",
            },
        ],
    }
    assert jury.notices() == [
        "jury:A@0,B@0,C@0 (primary): the members disagreed on 2 of 3 answers (66.7 %); tie: 1",
        "A@0 says so",
        "all say so",
        "B@0 says so",
        "C@0 says so",
    ]
    assert all(juror.met == ["同", "分", "平", "无"] for juror in jurors)
    assert (jury.batch, jury.connections, jury.annotator) == (1, 3, "")
    asyncio.run(jury.aclose())
    assert [juror.closed for juror in jurors] == [1, 1, 1]


def test_members_rule_at_once(jurors: tuple[Juror, ...], make_case: Cases) -> None:
    """Each member waits for the others to have begun: one after the other would never end."""
    begun: list[str] = []
    all_begun = asyncio.Event()

    class Waiting(Juror):
        async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
            begun.append(self.identity)
            if len(begun) == 3:
                all_begun.set()
            await asyncio.wait_for(all_begun.wait(), 5)
            return [Verdict(level="3")]

    waiting = [Waiting(name, jurors[0].scale, {}) for name in "ABC"]
    (verdict,) = asyncio.run(jury_of(*waiting).rule([make_case("同")]))
    assert verdict is not None
    assert verdict.confidence == 1.0


def test_a_refused_key_stops_the_others_and_is_stated(jurors: tuple[Juror, ...], make_case: Cases) -> None:
    first, second, third = jurors
    second.rulings = {"同": AccessDenied("host refused access")}
    with pytest.raises(AccessDenied, match="host refused access"):
        asyncio.run(jury_of(first, second, third).rule([make_case("同")]))
    assert first.stopped
    assert third.stopped


def test_the_identity_is_of_the_members_the_rule_and_not_their_order(jurors: tuple[Juror, ...]) -> None:
    a, b, c = jurors
    assert jury_of(a, b).manifest() == jury_of(b, a).manifest()
    digests = {
        jury.identity.rpartition("@")[2]
        for jury in (jury_of(a, b), jury_of(a, c), jury_of(a, b, c), jury_of(a, b, rule="median"))
    }
    assert len(digests) == 4
    assert jury_of(a, b).identity.rpartition("@")[2] == jury_of(b, a).identity.rpartition("@")[2]
    assert json.loads(json.dumps(jury_of(a, b).manifest())) == jury_of(a, b).manifest()


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], str]:
    def write(name: str, level: str) -> str:
        path = tmp_path / f"{name}.jsonl"
        text = json.dumps({"level": level, "reason": "理由"})
        path.write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
        return f"llm:scripted:{path}"

    return write


def verdict_of(spec: str, context: JudgeContext, case: Case) -> Verdict:
    async def job() -> Verdict:
        (jury,) = open_judges(spec, context)
        (verdict,) = await jury.rule([case])
        await jury.aclose()
        assert verdict is not None
        return verdict

    return asyncio.run(job())


def test_of_real_judges_by_majority_or_median(
    script: Callable[[str, str], str], make_benchmark: Benchmarks, make_case: Cases
) -> None:
    spec = f"jury:{script('a', '1')}, {script('b', '2')},{script('c', '3')}"
    majority = verdict_of(spec, JudgeContext(benchmark=make_benchmark()), make_case())
    assert majority.reason.startswith("tie: 1 and 2 and 3 (")
    median = verdict_of(spec, JudgeContext(benchmark=make_benchmark(annotators="mean")), make_case())
    assert (median.level, median.confidence) == ("2", 1 / 3)
    assert [member["reason"] for member in json.loads(median.raw)["members"]] == ["理由"] * 3


def test_each_scale_has_a_jury_of_its_own(
    script: Callable[[str, str], str], make_benchmark: Benchmarks
) -> None:
    spec = f"jury:{script('a', '1')},{script('b', '2')},rule"
    context = JudgeContext(benchmark=make_benchmark(annotators="mean"), refusal=True)
    juries = open_judges(spec, context)
    assert [jury.subject for jury in juries] == ["primary", "refusal"]
    assert [len(jury.manifest()["members"]) for jury in juries] == [2, 3]  # type: ignore[arg-type]
    assert [jury.manifest()["rule"] for jury in juries] == ["median", "majority"]
    assert len({jury.identity for jury in juries}) == 2


def test_people_have_a_vote_each(
    script: Callable[[str, str], str], make_benchmark: Benchmarks, make_case: Cases, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.jsonl"
    rows = [
        {"id": "item-1", "level": level, "response": "好的。", "annotator": name}
        for name, level in (("甲", "3"), ("乙", "3"))
    ]
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    context = JudgeContext(benchmark=make_benchmark(), item_ids=frozenset({"item-1"}))
    verdict = verdict_of(f"jury:{script('a', '1')},labels:{labels}", context, make_case())
    assert (verdict.level, verdict.confidence) == ("3", 2 / 3)
    assert {member.get("annotator") for member in json.loads(verdict.raw)["members"]} == {None, "甲", "乙"}
    other = verdict_of(f"jury:{script('a', '1')},labels:{labels}", context, make_case("另一个回答"))
    assert other.status is VerdictStatus.ABSTAINED
    assert "no label" in other.reason


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("jury", UsageError, "lacks members"),
        ("jury:rule", UsageError, "lacks members"),
        ("jury:rule,", UsageError, "a path with a comma in it cannot"),
        ("jury:rule,jury:rule,rule", UsageError, "a jury cannot sit on a jury"),
        ("jury:rule, rule", UsageError, "rule is on it twice"),
        ("jury:rule,none", UnknownName, "no judge 'none'"),
        (
            "jury:rule,llm:openai:m",
            JudgeError,
            r"only llm:openai:m rules on the benchmark's own scale|only rule",
        ),
        ("jury:rule,llm", UsageError, "lacks its model"),
    ],
)
def test_who_cannot_sit_on_it(
    spec: str, error: type[Exception], message: str, make_benchmark: Benchmarks
) -> None:
    with pytest.raises(error, match=message):
        open_judges(spec, JudgeContext(benchmark=make_benchmark()))


def test_one_key_does_not_go_to_several_hosts(
    make_benchmark: Benchmarks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    spec = "jury:llm:openai:qwen-max,llm:openai:glm-4.6"
    one = JudgeContext(benchmark=make_benchmark(), endpoint=Endpoint(api_key="sk-one-key-0123456789"))
    with pytest.raises(
        UsageError, match=r"several hosts \(dashscope.aliyuncs.com, open.bigmodel.cn\)"
    ) as caught:
        open_judges(spec, one)
    assert "sk-one" not in str(caught.value)
    for preset in PRESETS:
        monkeypatch.setenv(preset.key_variable, "sk-its-own-0123456789")
    assert len(open_judges(spec, replace(one, endpoint=Endpoint()))) == 1
    shared = Endpoint(base_url="https://gateway.example/v1", api_key="sk-one-key-0123456789")
    assert len(open_judges(spec, replace(one, endpoint=shared))) == 1


def test_a_jury_at_a_real_endpoint(make_benchmark: Benchmarks, make_case: Cases) -> None:
    async def job() -> tuple[list[Verdict | None], int]:
        async with Provider() as provider:
            endpoint = Endpoint(base_url=provider.base_url, api_key="k" * 20, retries=0, timeout=10)
            context = JudgeContext(
                benchmark=make_benchmark(), endpoint=endpoint, generation=Generation(temperature=0.0)
            )
            spec = "jury:llm:openai:judge-a,llm:openai:judge-b,llm:anthropic:judge-c"
            (jury,) = open_judges(spec, context)
            cases = [make_case(f"回答[[judge:{name}]]") for name in ("content_filter", "500", "401")]
            verdicts = list(await jury.rule(cases[:2]))
            with pytest.raises(AccessDenied):
                await jury.rule(cases[2:])
            await jury.aclose()
            return verdicts, provider.count()

    (blocked, broken), count = asyncio.run(job())
    assert blocked is not None
    assert broken is not None
    assert (blocked.status, broken.status) == (VerdictStatus.FILTERED, VerdictStatus.FAILED)
    assert "3 of 3 members failed" in broken.reason
    assert 7 <= count <= 9


def test_it_is_a_judge(jurors: tuple[Juror, ...]) -> None:
    judge: Judge = jury_of(*jurors)
    assert judge.subject == "primary"
