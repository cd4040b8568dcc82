"""The judge band of a stored run: which judges have one, what it rests on, and what is decided by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liangxin.analysis.deciding import DecisionQuestion, answer_fields, decide
from liangxin.analysis.evidence import with_evidence
from liangxin.analysis.pairs import pairs
from liangxin.analysis.ranking import leaderboard, leaderboard_fields
from liangxin.analysis.validation import Subject, keep, validate
from liangxin.api.frames import scores_frame
from liangxin.benchmarks import BENCHMARKS
from liangxin.cli.tables import print_result
from liangxin.cli.work.sample_and_plan import _board
from liangxin.correction.band import BandCell, judge_band
from liangxin.correction.sources import JudgeSource, SourceCount, length_of, sources_text
from liangxin.engine.banding import cannot_tell
from liangxin.engine.counting import level_counts
from liangxin.engine.summary import summary
from liangxin.judges import rule
from liangxin.judges.rule import RuleJudge
from liangxin.records import LENGTHS, Exchange, Item, Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.report import render
from liangxin.specs import ASR
from liangxin.store import Evidence, Runs
from liangxin.store.columns import ColumnReader

FLAMES = BENCHMARKS.get("flames")
SC_SAFETY = BENCHMARKS.get("sc-safety")
SAFETY = BENCHMARKS.get("cvalues-safety")
CHOICE = BENCHMARKS.get("cvalues-choice")
JUDGE = "llm:openai:乙@0123456789ab"
Stage = Any


def source(
    name: str, scale: str, levels: tuple[str, ...], right: float, n: int = 400, lengths: Any = LENGTHS
) -> JudgeSource:
    """A judge that gives each of n answers of each level and length its level with that share, else the next."""
    good = round(n * right)
    counts = [
        SourceCount(true=level, ruled=ruled, length=length, n=count)
        for length in lengths
        for at, level in enumerate(levels)
        for ruled, count in ((level, good), (levels[(at + 1) % len(levels)], n - good))
    ]
    return JudgeSource(name=name, scale=scale, counts=tuple(counts))


SAFE_SOURCE = source("人读过的回答", "cvalues-safety", ("unsafe", "safe"), 0.95)


def tell(stage: Stage, run: Any, *sources: JudgeSource, identity: str = JUDGE) -> None:
    """Written by hand into the store, as the engine writes what a judge tells."""
    runs = Runs(stage.database)
    judge = next(one for one in runs.judges(run) if one.identity == identity)
    runs.set_sources(judge, sources_text(sources))


def items(count: int, *tops: str, turns: int = 1) -> list[Item]:
    return [
        Item(id=f"q-{k}", turns=("问",) * turns, category=(tops[k % len(tops)],) if tops else ())
        for k in range(count)
    ]


def scores(stage: Stage, run: Any, benchmark: Any, identity: str = JUDGE) -> dict[tuple[str, str], Any]:
    told: Any = summary(with_evidence(stage.database, stage.result(run, benchmark)))
    return {(one["measure"], one["group"]): one for one in told["scores"] if one["judge"] == identity}


def answered(*_: Any) -> Reply:
    return Reply(text="答")


def safe_run(stage: Stage, passed: int = 80, count: int = 100, reply: Any = answered, **options: Any) -> Any:
    run = stage.run(SAFETY, items(count), reply, **options)

    def level(item: Item, _exchange: Exchange) -> Verdict:
        return Verdict(level="safe" if int(item.id[2:]) < passed else "unsafe")

    stage.judge(run, level)
    return run


def one_cell(**counts: int) -> BandCell:
    worths = {"unsafe": 0.0, "safe": 100.0}
    return BandCell(
        weight=1, kept=1, scale="cvalues-safety", worths=worths, length="short", items=sum(counts.values()), counts=counts
    )  # fmt: skip


def test_a_measured_judge_has_its_band_and_the_sets_it_rests_on(stage: Stage) -> None:
    run = safe_run(stage)
    tell(stage, run, SAFE_SOURCE)
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    known = judge_band([one_cell(safe=80, unsafe=20)], [], [SAFE_SOURCE])
    assert (overall["judge_low"], overall["judge_high"]) == (known.low, known.high)
    assert overall["judge_basis"] == {"sources": ["人读过的回答"], "why": None}
    assert (overall["worst"], overall["best"]) == (known.low, known.high), "nothing is missing"
    assert overall["value"] == 80
    assert overall["low"] < 80 < overall["high"]
    assert list(overall)[-3:] == ["judge_low", "judge_high", "judge_basis"]


def test_nobody_measured_it_or_the_answers_are_unlike(stage: Stage) -> None:
    run = safe_run(stage)
    before = scores(stage, run, SAFETY)["safe_rate", "overall"]
    assert before["judge_basis"] == {"sources": [], "why": "not measured"}
    assert (before["judge_low"], before["judge_high"]) == (None, None)
    assert (before["worst"], before["best"]) == (80, 80)
    tell(stage, run, source("怪", "cvalues-safety", ("unsafe", "safe"), 0.5))
    odd = scores(stage, run, SAFETY)["safe_rate", "overall"]
    assert odd["judge_basis"] == {"sources": ["怪"], "why": "unlike every source"}, (
        "it always rules half safe"
    )
    assert (odd["judge_low"], odd["worst"]) == (None, 80)


def test_people_and_choices_have_none(stage: Stage) -> None:
    run = safe_run(stage)
    tell(stage, run, SAFE_SOURCE)
    name = "labels:人.jsonl@1"
    stage.judge(run, lambda *_: Verdict(level="safe"), identity=name, annotators=("人",))
    people = scores(stage, run, SAFETY, name)["safe_rate", "overall"]
    assert people["judge_basis"] is None
    asked = [Item(id="c", turns=("选",), category=(), choices=("一", "二"), answer="回复1")]
    chosen = stage.run(CHOICE, asked, answered)
    stage.judge(chosen, lambda *_: Verdict(level="回复1"), identity="choice@1")
    assert {one["judge_basis"] is None for one in scores(stage, chosen, CHOICE, "choice@1").values()} == {
        True
    }


def test_what_is_missing_stays_missing_and_bounds_start_from_the_band(stage: Stage) -> None:
    def reply(item: Item, *_: Any) -> Reply:
        return Reply(text="" if int(item.id[2:]) >= 80 else "答", status=ReplyStatus.OK)

    run = stage.run(SAFETY, items(100), reply)

    def level(item: Item, _exchange: Exchange) -> Verdict:
        number = int(item.id[2:])
        if number < 20:
            return Verdict(status=(VerdictStatus.ABSTAINED, VerdictStatus.UNREADABLE)[number % 2])
        return Verdict(level="safe" if number < 65 else "unsafe")

    stage.judge(run, level)
    tell(stage, run, SAFE_SOURCE)
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    known = judge_band([one_cell(safe=45, unsafe=15)], [], [SAFE_SOURCE])
    assert (overall["n"], overall["missing"]) == (60, 40)
    assert (overall["judge_low"], overall["judge_high"]) == (known.low, known.high)
    assert known.low is not None
    assert known.high is not None
    assert overall["worst"] == pytest.approx(0.6 * known.low)
    assert overall["best"] == pytest.approx(0.6 * known.high + 40)


def test_lengths_have_errors_of_their_own(stage: Stage) -> None:
    """The store reads lengths as `length_of` does, also of characters beyond the basic plane."""
    texts = ["答" * 120, "𠮷" * 120, "答" * 121, "a" * 300, "\n" * 301, "答" * 2000, "答", ""]

    def reply(item: Item, *_: Any) -> Reply:
        return Reply(text=texts[int(item.id[2:]) % len(texts)])

    run = safe_run(stage, passed=40, count=80, reply=reply)
    (judge,) = Runs(stage.database).judges(run)
    counts = level_counts(ColumnReader(stage.database, run, [judge.key]), judge.key)
    found = [sum(n for (_, _, at, _), n in counts.answers.items() if at == length) for length in range(3)]
    assert found == [10 * [length_of(text) for text in texts if text].count(name) for name in LENGTHS]
    tell(stage, run, source("短", "cvalues-safety", ("unsafe", "safe"), 0.95, lengths=("short",)))
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    # 30 short answers of 70 are measured, the 40 others may be anything.
    assert overall["judge_low"] < 30
    assert overall["judge_high"] > 70
    assert overall["judge_basis"]["why"] is None


def test_dimensions_weigh_alike_and_have_scales_of_their_own(stage: Stage) -> None:
    """Fairness has three levels, Legality two; the overall is the unweighted mean."""
    asked = [
        Item(id=f"q-{k}", turns=("问",), category=("Fairness" if k < 150 else "Legality", "x"))
        for k in range(200)
    ]
    run = stage.run(FLAMES, asked, answered)

    def level(item: Item, _exchange: Exchange) -> Verdict:
        number = int(item.id[2:])
        return Verdict(level=("3", "2", "1")[number % 3] if number < 150 else ("3", "1")[number % 2])

    stage.judge(run, level)
    three = source("三级", "flames-3", ("1", "2", "3"), 0.9)
    two = source("两级", "flames-2", ("1", "3"), 0.9)
    tell(stage, run, three, two)
    found = scores(stage, run, FLAMES)
    for measure, levels in (
        ("harmless_rate", (0.0, 0.0, 100.0)),
        ("harmless_score", (100 / 3, 200 / 3, 100.0)),
    ):
        worths = [dict(zip("123", levels, strict=True)), {"1": levels[0], "3": levels[2]}]
        parts = [
            ("flames-3", worths[0], {"1": 50, "2": 50, "3": 50}),
            ("flames-2", worths[1], {"1": 25, "3": 25}),
        ]
        cells = [
            BandCell(weight=0.5, kept=1, scale=scale, worths=worth, length="short", items=sum(counts.values()), counts=counts)
            for scale, worth, counts in parts
        ]  # fmt: skip
        known = judge_band(cells, [], [three, two])
        overall = found[measure, "overall"]
        assert overall["judge_low"] == pytest.approx(known.low)
        assert overall["judge_high"] == pytest.approx(known.high)
        assert overall["judge_basis"]["sources"] == ["三级", "两级"]
        assert found[measure, "Fairness"]["judge_basis"]["sources"] == ["三级"]
        assert found[measure, "Fairness/x"]["judge_low"] == found[measure, "Fairness"]["judge_low"]


def test_rounds_and_their_change(stage: Stage) -> None:
    run = stage.run(SC_SAFETY, items(120, "传统安全", turns=2), answered)

    def level(item: Item, exchange: Exchange) -> Verdict:
        return Verdict(level=str(min(2, int(item.id[2:]) % 3 + (exchange.turn == 1))))

    stage.judge(run, level)
    tell(stage, run, source("分级", "sc-safety", ("0", "1", "2"), 0.93))
    found = scores(stage, run, SC_SAFETY)
    first, second = found["score", "round 1"], found["score", "round 2"]
    change = found["round_change", "overall"]
    assert change["judge_low"] == pytest.approx(second["judge_low"] - first["judge_high"])
    assert change["judge_high"] == pytest.approx(second["judge_high"] - first["judge_low"])
    assert change["worst"] == change["judge_low"]
    whole = found["score", "overall"]
    assert first["judge_low"] > second["judge_low"]
    assert second["judge_low"] < whole["judge_low"] < first["judge_low"]
    assert found["round_change", "传统安全"]["judge_low"] == change["judge_low"]


def labelled_set(stage: Stage, run: Any, benchmark: Any, truth: Callable[[Item], str]) -> None:
    """People's labels on a run, and the judge validated against them."""
    stage.judge(
        run, lambda item, _: Verdict(level=truth(item)), identity="labels:人.jsonl@1", annotators=("人",)
    )
    judges = {one.identity: one for one in Runs(stage.database).judges(run)}
    gold, judge = judges["labels:人.jsonl@1"], judges[JUDGE]
    subject = Subject(
        benchmark=run.benchmark, judge=JUDGE, gold=gold.identity, scale="primary", run=run.id, model=run.model
    )
    keep(Evidence(stage.database), validate(subject, pairs(stage.database, run, benchmark, gold, judge)))


def test_a_validation_of_the_same_judge_is_a_source(stage: Stage) -> None:
    measured = safe_run(stage, passed=150, count=300, name="量", data="c" * 64)
    labelled_set(stage, measured, SAFETY, lambda item: "safe" if int(item.id[2:]) < 160 else "unsafe")
    run = safe_run(stage, name="测")
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    counts = [("safe", "safe", 150), ("safe", "unsafe", 10), ("unsafe", "unsafe", 140)]
    name = f"labels:人.jsonl@1 · run {measured.id}"
    known = judge_band(
        [one_cell(safe=80, unsafe=20)],
        [],
        [
            JudgeSource(
                name=name,
                scale="cvalues-safety",
                counts=tuple(SourceCount(true=t, ruled=r, length="short", n=n) for t, r, n in counts),
            )
        ],
    )
    assert overall["judge_basis"] == {"sources": [name], "why": None}
    assert (overall["judge_low"], overall["judge_high"]) == (known.low, known.high)
    (stored,) = Evidence(stage.database).validations(JUDGE)
    assert stored.content["sources"][0]["counts"] == [
        ["safe", "safe", "short", 150], ["safe", "unsafe", "short", 10], ["unsafe", "unsafe", "short", 140]
    ]  # fmt: skip


def test_of_labels_that_grew_the_newest_count(stage: Stage) -> None:
    measured = safe_run(stage, passed=150, count=300, name="量", data="c" * 64)
    labelled_set(stage, measured, SAFETY, lambda item: "safe" if int(item.id[2:]) < 160 else "unsafe")
    (record,) = Evidence(stage.database).validations(JUDGE)
    grown = {**record.content, "sources": [{**record.content["sources"][0], "name": "长大了"}]}
    Evidence(stage.database).add_validation(
        replace(record, gold="labels:人.jsonl@2", created=record.created + 1, content=grown)
    )
    run = safe_run(stage, name="测")
    assert scores(stage, run, SAFETY)["safe_rate", "overall"]["judge_basis"]["sources"] == ["长大了"]


@pytest.mark.parametrize("taught", ["run", "file", "other"])
def test_what_a_scorer_learnt_from_is_no_source(stage: Stage, taught: str) -> None:
    """Neither the run whose labels trained it, nor another model's answers to the same prompts, nor its file."""
    asked = safe_run(stage, name="教", data="c" * 64)
    training = {
        "run": {"runs": f"run {asked.id}"},
        "file": {"file": "人.jsonl", "sha256": "1" * 64},
        "other": {"runs": "run 0123456789ab", "sha256": "2" * 64},
    }[taught]
    manifest = {"kind": "scorer", "settings": {"training": training}}
    measured = stage.run(SAFETY, items(300), answered, name="量", model="openai:丁", data="c" * 64)
    run = stage.run(SAFETY, items(100), answered, name="测")
    for one in (measured, run):
        stage.judge(one, lambda *_: Verdict(level="safe"), manifest=manifest)
    labelled_set(stage, measured, SAFETY, lambda item: "safe" if int(item.id[2:]) < 160 else "unsafe")
    why = scores(stage, run, SAFETY)["safe_rate", "overall"]["judge_basis"]["why"]
    assert why == (None if taught == "other" else "not measured")


def test_labels_on_part_of_the_run_replace_the_band(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run = safe_run(stage)
    tell(stage, run, SAFE_SOURCE)

    def half(item: Item, _exchange: Exchange) -> Verdict | None:
        return Verdict(level="safe" if int(item.id[2:]) < 82 else "unsafe") if int(item.id[2:]) % 2 else None

    stage.judge(run, half, identity="labels:人.jsonl@1", annotators=("人",))
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    assert overall["corrected"]["method"] == "stratified"
    assert (overall["judge_low"], overall["judge_high"], overall["judge_basis"]) == (None, None, None)
    low, high = overall["corrected"]["low"], overall["corrected"]["high"]
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    print_result(result)
    shown = capsys.readouterr().out
    assert f"corrected [{low:.1f}, {high:.1f}]" in shown
    assert "sampling only" in shown, "the judge may err all the same"
    assert f"{overall['corrected']['value']:.2f} [{low:.1f}, {high:.1f}]" in render(stage.database, [result])
    judge = next(one for one in Runs(stage.database).judges(run) if one.identity == JUDGE)
    asked = DecisionQuestion(measure="safe_rate", group="overall", at_least=40.0, at_most=None)
    found = decide(stage.database, run, SAFETY, judge, asked)
    assert found.decision.method == "stratified", "and decide uses it unasked"
    assert answer_fields(found)["verdict"] == "meets"


@pytest.mark.parametrize(
    ("side", "bound", "verdict"),
    [
        ("at_least", 60.0, "meets"),
        ("at_least", 80.0, "undecided"),
        ("at_least", 99.0, "fails"),
        ("at_most", 99.0, "meets"),
        ("at_most", 80.0, "undecided"),
        ("at_most", 60.0, "fails"),
    ],
)
def test_decisions_are_made_on_the_band(stage: Stage, side: str, bound: float, verdict: str) -> None:
    run = safe_run(stage, passed=800, count=1000)
    tell(stage, run, SAFE_SOURCE)
    (judge,) = Runs(stage.database).judges(run)
    bounds = {"at_least": None, "at_most": None} | {side: bound}
    asked: dict[str, Any] = {"measure": "safe_rate", "group": "overall", **bounds}
    found = answer_fields(decide(stage.database, run, SAFETY, judge, DecisionQuestion(**asked)))
    overall = scores(stage, run, SAFETY)["safe_rate", "overall"]
    assert (found["low"], found["high"]) == pytest.approx((overall["judge_low"], overall["judge_high"]))
    assert (found["verdict"], found["method"], found["value"]) == (verdict, "judge band", 80)
    assert (found["further_labels"] is not None) == (verdict == "undecided")
    wide = answer_fields(
        decide(stage.database, run, SAFETY, judge, DecisionQuestion(**asked, confidence=99.0))
    )
    assert wide["low"] < found["low"]
    trusted = answer_fields(
        decide(stage.database, run, SAFETY, judge, DecisionQuestion(**asked, judge_trusted=True))
    )
    assert (trusted["method"], trusted["judge_trusted"]) == ("clopper-pearson one-sided", True)
    assert trusted["high"] - trusted["low"] < found["high"] - found["low"]
    assert trusted["judge_basis"] is None


def test_without_a_band_nothing_is_decided_but_the_labels_to_give_are_told(stage: Stage) -> None:
    run = safe_run(stage, passed=95)
    (judge,) = Runs(stage.database).judges(run)
    asked: dict[str, Any] = {"measure": "safe_rate", "group": "overall", "at_least": 60.0, "at_most": None}
    found = answer_fields(decide(stage.database, run, SAFETY, judge, DecisionQuestion(**asked)))
    assert (found["verdict"], found["low"], found["high"]) == ("undecided", 0, 100)
    assert found["judge_basis"] == {"sources": [], "why": "not measured"}
    assert "the judge's error is not measured" in found["notes"][0]
    assert 5 <= found["further_labels"] <= 20, "7 safe of 7 would show 60 %"
    looked = decide(stage.database, run, SAFETY, judge, DecisionQuestion(**asked, sequential=True))
    assert looked.decision.verdict == "undecided"
    assert "--judge-trusted" in looked.notes[0]
    sure = decide(
        stage.database, run, SAFETY, judge, DecisionQuestion(**asked, sequential=True, judge_trusted=True)
    )
    assert sure.decision.verdict == "meets"


def test_what_several_turns_come_to_together_was_never_measured(stage: Stage) -> None:
    benchmark = replace(SAFETY, measures=(ASR,))
    run = stage.run(benchmark, items(50, turns=2), answered)
    stage.judge(run, lambda *_: Verdict(level="safe"))
    tell(stage, run, SAFE_SOURCE)
    overall = scores(stage, run, benchmark)["asr", "overall"]
    assert overall["judge_basis"]["why"] == "not measured"
    single = stage.run(benchmark, items(50), answered, name="一轮", data="e" * 64)
    stage.judge(single, lambda *_: Verdict(level="unsafe"))
    tell(stage, single, SAFE_SOURCE)
    overall = scores(stage, single, benchmark)["asr", "overall"]
    assert overall["judge_high"] == 100
    assert overall["judge_low"] > 80
    assert (overall["worst"], overall["best"]) == (overall["judge_high"], overall["judge_low"])


def test_pages_terminal_and_board_tell_it(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run = safe_run(stage)
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    print_result(result)
    shown = capsys.readouterr().out
    assert "not measured" in shown
    assert "sampling only" in shown
    assert "95% interval" not in shown
    page = render(stage.database, [result])
    assert "误差未测" in page
    assert "仅抽样" in page
    board = leaderboard(stage.database, SAFETY)
    assert leaderboard_fields(board)["rows"][0]["scores"][0]["judge_basis"]["why"] == "not measured"
    tell(stage, run, source("宽", "cvalues-safety", ("unsafe", "safe"), 0.8, n=20))
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    (score,) = [one for one in result.judges[0].scores if one.group == "overall"][:1]
    assert score.judge_low is not None
    assert cannot_tell("safe_rate", 10.0, 70.1, SAFETY)
    assert not cannot_tell("safe_rate", 10.0, 70.0, SAFETY)
    responsibility = BENCHMARKS.get("cvalues-responsibility")
    assert cannot_tell("responsibility_score", 2.0, 7.5, responsibility), "5.5 of 9 points"
    print_result(result)
    shown = capsys.readouterr().out
    assert "the judge's error was measured on: 宽" in shown
    assert f"[{score.judge_low:.1f}, {score.judge_high:.1f}]" in shown
    page = render(stage.database, [result])
    assert f"[{score.judge_low:.1f}, {score.judge_high:.1f}]" in page
    assert "误差测自" in page
    board_lines = "\n".join(_board(leaderboard(stage.database, SAFETY)).lines(300))
    assert f"judge band [{score.judge_low:.1f}, {score.judge_high:.1f}]" in board_lines
    row = scores_frame(result).filter(group="overall", measure="safe_rate").row(0, named=True)
    assert row["judge_low"] == score.judge_low
    assert '"why": null' in row["judge_basis"]


def test_a_band_too_wide_says_so_beside_the_numbers(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run = safe_run(stage)
    tell(stage, run, source("长的", "cvalues-safety", ("unsafe", "safe"), 0.95, lengths=("long",)))
    result = with_evidence(stage.database, stage.result(run, SAFETY))
    print_result(result)
    assert "[0.0, 100.0] cannot be told" in capsys.readouterr().out
    assert "不能判断" in render(stage.database, [result])


def test_the_rules_tell_what_their_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    file = tmp_path / "rule_sources.json"
    monkeypatch.setattr(rule, "SOURCES", file)
    assert list(RuleJudge().sources("refusal")) == []
    told = source("读过", "refusal", ("complied", "refused"), 0.9)
    file.write_text(sources_text([told, SAFE_SOURCE]), encoding="utf-8")
    assert list(RuleJudge().sources("refusal")) == [told]
