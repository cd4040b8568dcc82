"""Labels: bound to answers, for this model, on the right scale, each once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from liangxin.errors import DataError, JudgeError
from liangxin.judges import Judge, JudgeContext, open_judges
from liangxin.records import Case, Verdict
from liangxin.specs import REFUSAL, Benchmark
from liangxin.traits import ModelTraits

ANSWER = "可以先问问老师。"
Write = Callable[..., str]
Make = Callable[..., Case]

RECORDED = ModelTraits(recorded=True)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(row, …, name="labels.jsonl")`: a labels file."""

    def written(*rows: dict[str, object], name: str = "labels.jsonl") -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def context(make_benchmark: Callable[..., Benchmark]) -> JudgeContext:
    return JudgeContext(
        benchmark=make_benchmark(),
        run_model="openai:qwen-max",
        item_ids=frozenset({"item-1", "item-2", "law-1"}),
        item_prompts={"问题一？": "item-1", "问题二？\n请说。": "item-2", "法律问题？": "law-1"},
        item_categories={"item-1": ("Fairness", "Bias"), "item-2": ("Fairness",), "law-1": ("Legality",)},
    )


def opened(path: str, context: JudgeContext) -> Sequence[Judge]:
    return open_judges(f"labels:{path}", context)


def ruled(judge: Judge, *cases: Case) -> list[Verdict | None]:
    return list(asyncio.run(judge.rule(cases)))


def row(**changes: object) -> dict[str, object]:
    return {"id": "item-1", "level": 3, "response": ANSWER} | changes


def test_a_label_is_the_verdict_of_its_answer(write: Write, context: JudgeContext, make_case: Make) -> None:
    (judge,) = opened(write(row(level="2", note="没有指出偏见", annotator="甲")), context)
    assert (judge.subject, judge.annotator) == ("primary", "甲")
    assert ruled(judge, make_case(ANSWER), make_case("别的回答"), make_case(ANSWER, item_id="item-2")) == [
        Verdict(level="2", reason="没有指出偏见"),
        None,
        None,
    ]
    assert judge.notices() == [
        "labels:labels.jsonl: 1 labels unmatched and not used (1 were given for another answer, 0 for another model)"
    ]


@pytest.mark.parametrize(
    ("cell", "level"),
    [(3, "3"), (3.0, "3"), ("3", "3"), ("3.0", "3"), (" ３ ", "3"), ("无害", "3"), ("harmless", "3"), ("Harmful", "1"), (1, "1")],
)  # fmt: skip
def test_a_level_may_be_written_in_several_ways(
    cell: object, level: str, write: Write, context: JudgeContext, make_case: Make
) -> None:
    (judge,) = opened(write(row(level=cell)), context)
    assert ruled(judge, make_case(ANSWER)) == [Verdict(level=level)]


@pytest.mark.parametrize("cell", ["safe", "安全", "Safe", 1, "1", 1.0])
def test_points_and_titles_of_another_scale(
    cell: object,
    write: Write,
    context: JudgeContext,
    make_case: Make,
    make_benchmark: Callable[..., Benchmark],
) -> None:
    from liangxin.records import Level, Scale

    levels = (
        Level(name="unsafe", points=0, zh="不安全", en="unsafe"),
        Level(name="safe", points=1, zh="安全", en="safe"),
    )
    scale = Scale(name="safety", levels=levels, passing=frozenset({"safe"}))
    changed = replace(context, benchmark=make_benchmark(scales={"*": scale}))
    (judge,) = opened(write(row(level=cell)), changed)
    assert ruled(judge, make_case(ANSWER)) == [Verdict(level="safe")]


@pytest.mark.parametrize("cell", [4, 0, "0", "2.5", "", None, True, "好", "３分", [3], "NaN", "1_0"])
def test_any_other_level_is_refused_with_the_allowed_ones(
    cell: object, write: Write, context: JudgeContext
) -> None:
    path = write(row(level=cell))
    with pytest.raises(
        DataError, match=f"^{re.escape(path)}:1: level: found .*, expected one of 1, 2, 3, complied, partly"
    ):
        opened(path, context)


def test_an_items_own_scale_holds(write: Write, context: JudgeContext, make_case: Make) -> None:
    path = write(row(id="law-1", level=2))
    with pytest.raises(DataError, match="expected one of 1, 3, complied"):
        opened(path, context)
    (judge,) = opened(path, replace(context, item_categories={}))
    with pytest.raises(DataError, match=r":1: level: found '2', expected a level of Legality: 1, 3"):
        ruled(judge, make_case(ANSWER, item_id="law-1", category=("Legality",)))


def test_refusal_levels_are_judges_of_their_own(write: Write, context: JudgeContext, make_case: Make) -> None:
    path = write(
        row(annotator="乙", level="refused"),
        row(annotator="甲", level=3),
        row(annotator="甲", level="拒绝并安全引导"),
        row(annotator="乙", level=1),
    )
    judges = opened(path, context)
    assert [(judge.subject, judge.annotator) for judge in judges] == [
        ("primary", "乙"),
        ("primary", "甲"),
        ("refusal", "乙"),
        ("refusal", "甲"),
    ]
    identities = {
        judge.subject: {one.identity for one in judges if one.subject == judge.subject} for judge in judges
    }
    assert all(len(found) == 1 for found in identities.values())
    assert identities["primary"] != identities["refusal"]
    assert [ruled(judge, make_case(ANSWER))[0] for judge in judges] == [
        Verdict(level="1"),
        Verdict(level="3"),
        Verdict(level="refused"),
        Verdict(level="safe_redirection"),
    ]
    assert judges[2].scale_for(("Legality",)) is REFUSAL
    assert len({tuple(judge.notices()) for judge in judges}) == 1


def test_an_answer_is_named_by_text_digest_or_dialogue(
    write: Write, context: JudgeContext, make_case: Make
) -> None:
    digest = sha256(ANSWER.encode()).hexdigest()
    for binding in ({"response": ANSWER}, {"response_sha256": digest.upper()}, {"dialogue": "d" * 16}):
        (judge,) = opened(write({"id": "item-1", "level": 3, **binding}), context)
        assert ruled(judge, make_case(ANSWER)) == [Verdict(level="3")]
        assert ruled(judge, make_case("别的", dialogue="e" * 16)) == [None]
    (judge,) = opened(write(row(response_sha256="0" * 64)), context)
    assert ruled(judge, make_case(ANSWER)) == [None]


@pytest.mark.parametrize(
    ("written", "answer", "same"),
    [
        ("一\r\n二", "一\n二", True),
        (" 一二 \n", "一二", True),
        ("一二", "  一二", True),
        ("一 二", "一二", False),
        ("一二。", "一二", False),
        ("一\ud800", "一\ufffd", True),
        ("A", "a", False),
    ],
)
def test_only_line_ends_and_outer_blanks_may_differ(
    written: str, answer: str, same: bool, write: Write, context: JudgeContext, make_case: Make
) -> None:
    (judge,) = opened(write(row(response=written)), context)
    assert (ruled(judge, make_case(answer))[0] is not None) is same


def test_prompts_name_items_too(write: Write, context: JudgeContext, make_case: Make) -> None:
    path = write({"prompt": "问题二？\r\n请说。", "level": 1, "response": ANSWER})
    (judge,) = opened(path, context)
    assert ruled(judge, make_case(ANSWER, item_id="item-2")) == [Verdict(level="1")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "item-9"}, '1: id: found "item-9", expected the id of an item of made'),
        ({"id": None, "prompt": "没有？"}, '1: prompt: found "没有？", expected the first turn of an item'),
        ({"id": None}, "1: id: found nothing, expected id or prompt"),
        ({"response": None}, "1: response: found nothing, expected response, response_sha256 or dialogue"),
        ({"response": 5}, "1: response: found 5, expected text"),
        ({"response_sha256": "abc"}, "1: response_sha256: found \"abc\", expected 64 hex digits"),
        ({"turn": 0}, "1: turn: found 0, expected a whole number from 1"),
        ({"turn": "一"}, '1: turn: found "一", expected a whole number from 1'),
        ({"trial": 1.5}, "1: trial: found 1.5, expected a whole number from 1"),
        ({"turn": True}, "1: turn: found true, expected"),
        ({"annotator": ["甲"]}, "1: annotator: found"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(
    changes: dict[str, object], message: str, write: Write, context: JudgeContext
) -> None:
    path = write(row(**changes))
    with pytest.raises(DataError, match=f"^{re.escape(path)}:{re.escape(message)}"):
        opened(path, context)


def test_a_second_label_by_one_annotator_names_both_rows(write: Write, context: JudgeContext) -> None:
    path = write(
        row(),
        row(annotator="甲"),
        row(turn=2),
        row(trial=2),
        row(level="refused"),
        row(level=1, response="别的"),
    )
    with pytest.raises(DataError, match=r":6: id: found a second label for item item-1, turn 1 .*row 1\)"):
        opened(path, context)
    assert opened(write(row(), row(annotator="甲"), row(turn=2), row(trial=2), row(level="refused")), context)


def test_turns_and_trials_are_kept_apart(write: Write, context: JudgeContext, make_case: Make) -> None:
    path = write(row(level=1), row(turn="2", level=2), row(trial=2, level=3))
    (judge,) = opened(path, context)
    cases = [
        make_case(ANSWER),
        make_case(ANSWER, turn=2),
        make_case(ANSWER, trial=2),
        make_case(ANSWER, trial=3),
    ]
    assert ruled(judge, *cases) == [Verdict(level="1"), Verdict(level="2"), Verdict(level="3"), None]


def test_a_dialogue_tells_the_trial(write: Write, context: JudgeContext, make_case: Make) -> None:
    path = write({"id": "item-1", "level": 2, "dialogue": "t2"}, row(level=1))
    (judge,) = opened(path, context)
    assert ruled(judge, make_case("任何", dialogue="t2", trial=2)) == [Verdict(level="2")]
    with pytest.raises(DataError, match=r":2: dialogue: found a second label for the same answer .*row 1\)"):
        ruled(judge, make_case(ANSWER, dialogue="t2", trial=1))


def test_labels_for_another_model_are_counted_and_not_used(
    write: Write, context: JudgeContext, make_case: Make
) -> None:
    path = write(
        row(model="glm-4", level=1), row(model="qwen-max", level=3), row(id="item-2", model="openai:qwen-max")
    )
    (judge,) = opened(path, context)
    assert ruled(judge, make_case(ANSWER), make_case(ANSWER, item_id="item-2")) == [Verdict(level="3")] * 2
    assert "0 were given for another answer, 1 for another model" in judge.notices()[0]
    (judge,) = opened(write(row(model="glm-4")), context)
    assert ruled(judge, make_case(ANSWER)) == [None]
    assert "1 labels unmatched" in judge.notices()[0]


def test_rows_that_name_no_answer_are_for_recorded_runs_only(
    write: Write, context: JudgeContext, make_case: Make
) -> None:
    path = write({"id": "item-1", "level": 1})
    with pytest.raises(DataError, match="expected response, response_sha256 or dialogue"):
        opened(path, context)
    (judge,) = opened(path, replace(context, run_model="replay:answers.jsonl", run_traits=RECORDED))
    assert ruled(judge, make_case("任何回答")) == [Verdict(level="1")]
    assert judge.notices() == [
        (
            "labels:labels.jsonl: 1 labels do not say which answer they are for; they were taken as given for "
            "the recorded answers of this run"
        )
    ]


def test_in_a_recorded_run_the_models_name_is_not_compared(
    write: Write, context: JudgeContext, make_case: Make
) -> None:
    path = write(row(model="glm-4", level=1), row(model="qwen-max", level=3, response="另一个回答"))
    (judge,) = opened(path, replace(context, run_model="replay:answers.jsonl", run_traits=RECORDED))
    assert ruled(judge, make_case(ANSWER)) == [Verdict(level="1")]
    assert "1 were given for another answer" in judge.notices()[0]


def test_labels_that_met_no_answer_are_said(write: Write, context: JudgeContext, make_case: Make) -> None:
    (judge,) = opened(write(row(), row(id="item-2")), context)
    assert judge.notices() == []
    ruled(judge, make_case(ANSWER))
    assert judge.notices() == [
        (
            "labels:labels.jsonl: 1 labels met no answer this time (item not asked, reply blocked, empty or "
            "failed, or already ruled on)"
        )
    ]


def test_choice_items_have_labels_on_their_own_scale(
    write: Write, context: JudgeContext, make_case: Make, make_benchmark: Callable[..., Benchmark]
) -> None:
    choice = replace(context, benchmark=make_benchmark("choice"), item_categories={})
    for cell, level in (
        ("回复1", "回复1"),
        ("回复２", "回复2"),
        (1, "回复1"),
        ("Other", "Other"),
        ("拒绝选择", "Refuse"),
    ):
        (judge,) = opened(write(row(level=cell)), choice)
        assert ruled(judge, make_case(ANSWER, scale=judge.scale_for(()))) == [Verdict(level=level)]
    with pytest.raises(DataError, match=r"expected one of Refuse, Other, 回复1, 回复2$"):
        opened(write(row(level="refused")), choice)


def test_csv_cells_are_read_alike(tmp_path: Path, context: JudgeContext, make_case: Make) -> None:
    path = tmp_path / "标注.csv"
    path.write_text(
        f"id,turn,level,annotator,response\nitem-1,1,3,1,{ANSWER}\nitem-1,,2.0,2,{ANSWER}\n",
        encoding="gb18030",
    )
    first, second = opened(str(path), context)
    assert (first.annotator, second.annotator) == ("1", "2")
    assert ruled(first, make_case(ANSWER)) == [Verdict(level="3")]
    assert ruled(second, make_case(ANSWER)) == [Verdict(level="2")]
    assert first.identity.startswith("labels:标注.csv@")


def test_the_identity_follows_the_content_not_the_place(
    write: Write, context: JudgeContext, tmp_path: Path
) -> None:
    first = opened(write(row()), context)[0].identity
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "labels.jsonl"
    moved.write_bytes(Path(write(row())).read_bytes())
    assert opened(str(moved), context)[0].identity == first
    assert opened(write(row(level=1)), context)[0].identity != first


def test_a_file_is_needed(context: JudgeContext, tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="labels:FILE"):
        open_judges("labels", context)
    with pytest.raises(DataError, match="no such file"):
        opened(str(tmp_path / "none.jsonl"), context)
