"""The page as HTML: nothing hostile runs, nothing is loaded, and its numbers are the scores'."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from liangxin import __version__
from liangxin.benchmarks import BENCHMARKS
from liangxin.engine.results import RunResult
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Score, Verdict, VerdictStatus
from liangxin.report import render
from liangxin.text import visible

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=window.hacked=1></style></title></textarea><!-- {{7*7}}"
    "\x1b[31m\u202etxt\u2066 👨‍👩‍👧 &lt;b&gt; \"'"
)
FLAMES = BENCHMARKS.get("flames")
SC_SAFETY = BENCHMARKS.get("sc-safety")
CHOICE = BENCHMARKS.get("cvalues-choice")
RESPONSIBILITY = BENCHMARKS.get("cvalues-responsibility")
BADGE = "样例·非成绩"

Stage = Any
"""conftest's, which tests cannot import."""
Parse = Callable[[str], Any]


def flames_items(each: int) -> list[Item]:
    return [
        Item(
            id=f"{sub.name}-{k}",
            turns=(f"关于{sub.title.zh}的第 {k} 问",),
            category=(top.name, sub.name),
            expect="refuse" if k % 2 else "answer",
        )
        for top in FLAMES.taxonomy
        for sub in top.below
        for k in range(each)
    ]


def number(item: Item) -> int:
    return int(item.id.rpartition("-")[2])


def graded(item: Item, _exchange: Exchange) -> Verdict:
    two = item.category[0] in ("Legality", "Data protection")
    level = ("3", "1" if two else "2", "3", "1")[number(item) % 4]
    return Verdict(level=level, reason="因为", raw='{"level": 3}')


def answered(item: Item, _turn: int, _trial: int) -> Reply:
    return Reply(text=f"答 {item.id}")


@pytest.fixture(scope="module")
def flames(module_stage: Stage) -> RunResult:
    """A judge on the benchmark's scale and one on refusal; some replies and verdicts are missing."""

    def ask(item: Item, turn: int, trial: int) -> Reply:
        if number(item) == 9:
            return Reply(status=ReplyStatus.FILTERED, detail="input: DataInspectionFailed")
        if number(item) == 8:
            return Reply(status=ReplyStatus.FAILED, detail="HTTP 500")
        return answered(item, turn, trial)

    def rule(item: Item, exchange: Exchange) -> Verdict:
        if number(item) == 7:
            return Verdict(status=VerdictStatus.FILTERED)
        return graded(item, exchange)

    run = module_stage.run(FLAMES, flames_items(20), ask, name="甲")
    module_stage.judge(run, rule)
    module_stage.judge(run, lambda item, _: Verdict(level="refused"), identity="rule@2", subject="refusal")
    result: RunResult = module_stage.result(run, FLAMES)
    return result


@pytest.fixture(scope="module")
def flames_page(module_stage: Stage, parse: Parse, flames: RunResult) -> Any:
    """That run's page, parsed."""
    return parse(render(module_stage.database, [flames]))


def rows(root: Any, measure: str, group: str) -> list[Any]:
    return [
        row
        for table in root.all("table", data_measure=measure)
        for row in table.all("tr", data_group=visible(group))
    ]


def shown(value: float | None, *, signed: bool = False) -> str:
    return "—" if value is None else f"{value:+.2f}" if signed else f"{value:.2f}"


def span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:.1f}, {high:.1f}]"


def assert_row(row: Any, score: Score, *, signed: bool = False) -> None:
    """A row of a table holds a score's numbers, each in its place."""
    words = row.words
    # The least stands first: less of some measures (`asr`) is better, so their worst is the greater.
    bounds = [end for end in (score.worst, score.best) if end is not None]
    assert [one.text for one in row.all(kind="value")] == [shown(score.value, signed=signed)]
    for part in (
        span(score.low, score.high),
        span(min(bounds, default=None), max(bounds, default=None)),
        f"n = {score.n}",
        f"missing {score.missing}",
    ):
        assert part in words, (part, words)
    if score.service is not None:
        assert shown(score.service, signed=signed) in words


def test_every_score_is_on_the_page_as_it_is(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    able = [(judge, score) for judge in flames.judges for score in judge.scores if score.value is not None]
    assert len(able) > 50
    for _, score in able:
        found = rows(root, score.measure, score.group)
        assert len(found) == 1, (score.measure, score.group)
        assert_row(found[0], score)
    headings = {
        measure: [one.text for one in root.one("table", data_measure=measure).all("th", scope="col")]
        for measure in ("harmless_rate", "asr")
    }
    assert any("最坏–最好" in one for one in headings["harmless_rate"])
    assert any("最低–最高" in one for one in headings["asr"]), "the least stands first, and is its best"
    tiles = {one.one(kind="value").text for one in root.all("div", kind="tile")}
    assert tiles == {shown(score.value) for _, score in able if score.group == "overall"}


def test_groups_stand_in_the_taxonomys_order(flames_page: Any) -> None:
    (table,) = flames_page.all("table", data_measure="refusal_rate")
    groups = [row.attributes["data-group"] for row in table.one("tbody").all("tr")]
    paths = [
        path
        for top in FLAMES.taxonomy
        for path in (top.name, *(f"{top.name}/{one.name}" for one in top.below))
    ]
    assert groups == ["overall", "expect refuse", "expect answer", *paths]


def test_what_another_judge_gives_is_no_dash_beside_this_one(flames_page: Any) -> None:
    assert flames_page.all("p", kind="nothing") == []
    assert flames_page.all("p", kind="ungiven") == []


def test_what_no_judge_gives_is_one_line_with_the_remedy(stage: Stage, parse: Parse) -> None:
    run = stage.run(FLAMES, flames_items(3), lambda *_: Reply(text="答"))
    stage.judge(run, lambda *_: Verdict(level="refused"), identity="rule@2", subject="refusal")
    root = parse(render(stage.database, [stage.result(run, FLAMES)]))
    assert root.all("p", kind="nothing") == []
    (line,) = root.all("p", kind="ungiven")
    assert "无害率" in line.text
    assert f"liangxin judge {run.label} --judge scorer" in line.text
    (lead,) = root.all("p", kind="lead")
    assert "拒答率" in lead.text


def test_the_headline_stands_first(flames_page: Any, flames: RunResult) -> None:
    first, beside = flames_page.all("p", kind="lead")
    judge = next(one for one in flames.judges if one.record.subject == "primary")
    (rate,) = [one for one in judge.scores if (one.measure, one.group) == ("harmless_rate", "overall")]
    assert rate.value is not None
    assert f"{rate.value:.2f}" in first.text
    assert "拒答率" in beside.text
    told = flames_page.one("main").text
    assert told.index(first.text) < told.index("分组得分")


def test_a_blocked_judge_stands_first_among_the_missing(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    (row,) = rows(root, "harmless_rate", "overall")
    why = row.one(kind="lacks").one(kind="why").words
    assert why.index("评审被拦截") < why.index("回答被拦截") < why.index("失败")
    assert "服务口径" in root.text
    assert "我们的约定" in root.text or "本项目的约定" in root.text


def test_few_units_have_counts_and_an_interval_but_no_bar(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    seen = set()
    for judge, score in ((one, score) for one in flames.judges for score in one.scores):
        if score.value is None:
            continue
        (row,) = rows(root, score.measure, score.group)
        lane = row.one("svg", kind="lane")
        few = score.n < 30
        seen.add(few)
        assert bool(lane.all(kind="bar")) is not few, judge.record.identity
        assert lane.all(kind="whisker")
        if few and score.measure == "harmless_rate":
            count = round((score.value or 0) * score.n / 100)
            assert f"({count}/{score.n})" in row.text
        if not few:
            assert lane.one(kind="bar").attributes["width"] == f"{round(score.value, 3)}%"
    assert seen == {True, False}


def test_the_attainable_minimum_is_marked_on_an_axis_from_zero(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    (row,) = rows(root, "harmless_score", "overall")
    assert row.one(kind="floor").attributes["width"] == "33.333%"
    assert not rows(root, "harmless_rate", "overall")[0].all(kind="floor")


def test_chinese_names_stand_beside_the_datas_own_words(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    (row,) = rows(root, "harmless_rate", "Fairness/Toxic language")
    head = row.one("th")
    assert head.one(kind="zh").words == "毒性语言 Toxic language"
    assert head.one(kind="en").words == "Toxic language"
    assert "depth2" in row.attributes["class"]


@pytest.fixture(scope="module")
def hostile_page(module_stage: Stage) -> str:
    """A page on a run in which every text is hostile."""
    items = [
        Item(
            id=f"{HOSTILE}-{k}",
            turns=(HOSTILE, HOSTILE),
            category=("传统安全", HOSTILE),
            tags=(HOSTILE,),
            source=HOSTILE,
        )
        for k in range(4)
    ]
    replies = {
        0: Reply(text=HOSTILE + "长" * 200_000, reasoning=HOSTILE * 500),
        1: Reply(status=ReplyStatus.FILTERED, detail=f"output: {HOSTILE}"),
        2: Reply(status=ReplyStatus.FAILED, detail=HOSTILE),
        3: Reply(text=HOSTILE, status=ReplyStatus.TRUNCATED),
    }
    run = module_stage.run(
        SC_SAFETY,
        items,
        lambda item, _turn, _trial: replies[int(item.id[-1])],
        model=f"scripted:{HOSTILE}",
        name=HOSTILE,
        sample=True,
        manifest={
            "identity": {"model": HOSTILE, "system": HOSTILE},
            "model_spec": f"scripted:{HOSTILE}",
            "data": HOSTILE,
            HOSTILE: {HOSTILE: [HOSTILE]},
        },
    )
    module_stage.judge(
        run,
        lambda item, _: Verdict(level="0", reason=HOSTILE, raw=HOSTILE * 300),
        identity=f"llm:{HOSTILE}@{HOSTILE}",
        annotators=(HOSTILE, "二"),
        manifest={"prompt": HOSTILE * 9, HOSTILE: HOSTILE},
    )
    module_stage.judge(run, lambda item, _: Verdict(level=HOSTILE), identity="second@1")
    return render(module_stage.database, [module_stage.result(run, SC_SAFETY)])


ALLOWED = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "footer"),
    *("article", "section", "h1", "h2", "h3", "h4", "h5", "p", "div", "span", "a", "b", "i", "br", "small"),
    *("strong", "code", "pre", "bdi", "sup", "ul", "li", "dl", "dt", "dd", "details", "summary", "input"),
    *("label", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "desc", "rect", "line", "path", "circle", "text"),
}


def test_nothing_hostile_becomes_markup(hostile_page: str, parse: Parse) -> None:
    page, root = hostile_page, parse(hostile_page)
    elements = root.all()
    assert {element.tag for element in elements} <= ALLOWED
    assert len(root.all("script")) == len(root.all("style")) == 1
    for element in elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), name
            assert name not in {"src", "srcset", "style", "xlink:href", "action", "formaction", "ping"}
            if name == "href":
                assert re.fullmatch(r"#[\w-]+", value), value
    assert visible(HOSTILE) in root.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "{{7*7}}" in page
    assert len(page.encode()) < 2_000_000


def test_long_texts_are_cut_and_say_so(hostile_page: str, parse: Parse) -> None:
    root = parse(hostile_page)
    longest = max(len(one.text) for one in root.all("div", kind="text"))
    assert longest < 10_000
    assert any(str(200_000 + len(HOSTILE) - 6000) in one.text for one in root.all("p", kind="cut"))


def test_what_may_disturb_is_folded(hostile_page: str, parse: Parse) -> None:
    root = parse(hostile_page)
    dialogues = root.all("details", kind="dialogue")
    assert {re.fullmatch(r"d-[0-9a-f]{16}", one.attributes["id"]) is not None for one in dialogues} == {True}
    assert len({one.attributes["id"] for one in dialogues}) == len(dialogues) == 4
    inside = [text for one in dialogues for text in one.all("div", kind="text")]
    assert not any("open" in one.attributes for one in root.all("details"))
    for kind in ("prompt", "answer", "reasoning", "reason", "raw"):
        everywhere = root.all("div", kind=kind)
        assert everywhere
        assert all(any(one is other for other in inside) for one in everywhere), kind
    for one in root.all("div", kind="answer"):
        assert one.attributes["dir"] == "auto"


def test_nothing_is_loaded_and_only_our_style_and_script_may_act(hostile_page: str, parse: Parse) -> None:
    root = parse(hostile_page)
    (policy,) = root.all("meta", http_equiv="Content-Security-Policy")
    content = policy.attributes["content"]
    for name in ("style", "script"):
        text = root.one(name).text
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in content
        assert not re.search(r"https?:|url\(|@import|import\(", text)
    assert content.startswith("default-src 'none'; ")
    assert "unsafe" not in content
    assert "base-uri 'none'; form-action 'none'" in content
    assert not root.all("link") + root.all("img") + root.all("iframe") + root.all("base")


@pytest.mark.parametrize("sample", [True, False])
def test_the_badge_is_wherever_a_number_of_a_sample_is(stage: Stage, parse: Parse, sample: bool) -> None:
    results = []
    for name in ("甲", "乙"):
        run = stage.run(FLAMES, flames_items(4), answered, name=name, model=f"scripted:{name}", sample=sample)
        stage.judge(run, graded)
        results.append(stage.result(run, FLAMES))
    root = parse(render(stage.database, results))
    places = [one.one("caption") for one in root.all("table")] + root.all("div", kind="tile")
    assert len(places) > 10
    assert {BADGE in place.text for place in places} == {sample}
    notices = [one.text for one in root.all("p", kind="notice")]
    assert any("不是 flames 的成绩" in one for one in notices) is sample
    assert sum("a demo proves plumbing, not values" in one for one in notices) == 2


def test_both_languages_are_there_and_marked(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    assert root.one("html").attributes["lang"] == "zh-Hans"
    for kind, language in (("zh", "zh-Hans"), ("en", "en")):
        spans = root.all(kind=kind)
        assert len(spans) > 100
        assert {one.attributes.get("lang") for one in spans} == {language}
    chinese, english = (
        [one.words for one in root.all(kind=kind) if not one.all(kind="num")] for kind in ("zh", "en")
    )
    assert len(chinese) == len(english)
    assert not [text for text in english if re.search("[\u4e00-\u9fff]", text.replace("llm:openai:乙", ""))]
    for table in root.all("table"):
        heads = table.all("th")
        assert heads
        assert {one.attributes.get("scope") for one in heads} <= {"col", "row"}
    for picture in root.all("svg"):
        named = picture.attributes.get("role") == "img" and picture.all("title") and picture.all("desc")
        assert named or picture.attributes.get("aria-hidden") == "true" or "x" in picture.attributes


def test_rounds_and_their_change(stage: Stage, parse: Parse) -> None:
    items = [Item(id=f"i-{k}", turns=("问", "追问"), category=("传统安全", "财产隐私")) for k in range(40)]
    run = stage.run(SC_SAFETY, items, answered)
    stage.judge(run, lambda item, one: Verdict(level="2" if one.turn == 1 or number(item) % 2 else "1"))
    result = stage.result(run, SC_SAFETY)
    root = parse(render(stage.database, [result]))
    section = root.one("section", id=f"run-{run.id}-rounds")
    scores = {(one.measure, one.group): one for one in result.judges[0].scores}
    for group, value in (("round 1", 100.0), ("round 2", 75.0)):
        assert scores["score", group].value == value
        assert_row(rows(section, "score", group)[0], scores["score", group])
    change = rows(section, "round_change", "overall")[0]
    assert scores["round_change", "overall"].value == -25
    assert_row(change, scores["round_change", "overall"], signed=True)
    bar = change.one(kind="bar").attributes
    assert float(bar["x"].rstrip("%")) + float(bar["width"].rstrip("%")) == pytest.approx(50)
    assert change.all(kind="reference")


def choice_items(pairs: int) -> list[Item]:
    return [
        Item(
            id=f"{pair}-{gold}",
            turns=("选哪个？",),
            category=("law",),
            choices=("好", "坏") if gold == 1 else ("坏", "好"),
            answer=f"回复{gold}",
            tags=("easy",),
            pair=f"p{pair}",
        )
        for pair, gold in product(range(pairs), (1, 2))
    ]


@pytest.mark.parametrize("failing", [True, False])
def test_accuracy_is_incomplete_while_rows_are_missing(stage: Stage, parse: Parse, failing: bool) -> None:
    def ask(item: Item, _turn: int, _trial: int) -> Reply:
        return (
            Reply(status=ReplyStatus.FAILED, detail="x")
            if failing and item.id == "0-1"
            else Reply(text="回复1")
        )

    run = stage.run(CHOICE, choice_items(40), ask)
    stage.judge(run, lambda *_: Verdict(level="回复1"), identity="choice@1")
    result = stage.result(run, CHOICE)
    root = parse(render(stage.database, [result]))
    for score in result.judges[0].scores:
        if score.group in ("easy", "law"):
            assert_row(rows(root, score.measure, score.group)[0], score)
    incomplete = {
        row.attributes["data-group"]
        for table in root.all("table", data_measure="acc")
        for row in table.all("tr")
        if row.all(kind="incomplete")
    }
    assert incomplete == ({"overall", "law", "easy"} if failing else set())
    bias = root.one("table", data_measure="position_bias")
    decided, right = (79, 39) if failing else (80, 40)
    assert [row.all("td")[-1].text for row in bias.all("tr")[1:]] == [
        f"{decided}/{decided}",
        f"{right}/{right}",
        "0/40",
        "0/39" if failing else "0/40",
    ]


def test_refusals_by_expectation(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    section = root.one("section", id=f"run-{flames.run.id}-refusal")
    for group, word in (("expect refuse", "应拒答"), ("expect answer", "误拒")):
        (row,) = rows(section, "refusal_rate", group)
        score = next(one for one in flames.judges[1].scores if one.group == group)
        assert_row(row, score)
        assert word in row.one("th").text


def test_points_are_drawn_from_one_to_ten(stage: Stage, parse: Parse) -> None:
    items = [Item(id=f"i-{k}", turns=("问",), category=("law",)) for k in range(40)]
    run = stage.run(RESPONSIBILITY, items, answered)
    stage.judge(run, lambda *_: Verdict(level="7"))
    root = parse(render(stage.database, [stage.result(run, RESPONSIBILITY)]))
    (row,) = rows(root, "responsibility_score", "law")
    assert row.one(kind="value").text == "7.00"
    assert row.one(kind="bar").attributes["width"] == "66.667%"


def test_what_is_missing_is_counted_by_status(flames_page: Any, flames: RunResult) -> None:
    root = flames_page
    section = root.one("section", id=f"run-{flames.run.id}-missing")
    counted = [
        {row.one("code").text: int(row.one("td").text) for row in table.all("tr")[1:]}
        for table in section.all("table", kind="statuses")
    ]
    assert counted == [flames.replies, *(judge.verdicts for judge in flames.judges)]
    assert section.all("p", kind="why")[0].said("zh") == "其中被拦截：拦截输入 12"
    assert section.all("p", kind="why")[0].said("en") == "Of the blocked: input blocked 12"
    assert len(section.one("details", kind="failures").all("li")) == len(flames.failures) == 12


def test_a_run_without_a_judge_or_without_answers_has_a_page(stage: Stage, parse: Parse) -> None:
    def silent(_item: Item, _turn: int, _trial: int) -> Reply:
        return Reply(status=ReplyStatus.FAILED, detail="x")

    run = stage.run(FLAMES, flames_items(1), silent)
    root = parse(render(stage.database, [stage.result(run, FLAMES)]))
    assert "尚未评审" in root.text
    assert not root.all("table", data_measure="harmless_rate")
    stage.judge(run, graded)
    root = parse(render(stage.database, [stage.result(run, FLAMES)]))
    assert "没有评审给出等级" in root.text
    (tile, *_) = root.all("p", kind="nothing")
    assert "—" in tile.text
    assert "失败" in tile.text


def test_several_runs_are_compared(stage: Stage, parse: Parse) -> None:
    def better(item: Item, exchange: Exchange) -> Verdict:
        return Verdict(level="3") if number(item) % 8 else graded(item, exchange)

    results = []
    for name, rule in (("甲", graded), ("乙", better)):
        run = stage.run(FLAMES, flames_items(20), answered, name=name, model=f"openai:{name}")
        stage.judge(run, rule)
        results.append(stage.result(run, FLAMES))
    root = parse(render(stage.database, [*results, results[0]]))
    assert len(root.all("article", kind="run")) == 2, "a run given twice is shown once"
    section = root.one("section", id="compare-1")
    lines = section.one("table", kind="overall").all("tr")[1:]
    assert [line.one("a").text for line in lines] == ["openai:甲", "openai:乙"]
    for result, line in zip(results, lines, strict=True):
        overall = [one for one in result.judges[0].scores if one.group == "overall" and one.value is not None]
        assert [one.text for one in line.all(kind="value")] == [shown(one.value) for one in overall]
    found = rows(section, "harmless_rate", "Fairness")
    assert len(found) == 2
    for result, row in zip(results, found, strict=True):
        score = next(one for one in result.judges[0].scores if one.group == "Fairness")
        assert_row(row, score)
        (dot,) = row.one("svg", kind="lane").all("svg")
        assert dot.attributes["x"] == f"{round(score.value or 0, 3)}%"
    assert len({row.one("svg", kind="lane").one("path").attributes["d"] for row in found}) == 2
    assert not rows(section, "harmless_rate", "Fairness/Toxic language")
    cautions = section.one("ul", kind="cautions").text
    assert "不是显著性检验" in cautions
    assert "评审不完全相同" not in cautions


def test_runs_that_do_not_compare_say_why(stage: Stage, parse: Parse) -> None:
    results = []
    for name, data, judge in (("甲", "a", "llm:x@1"), ("乙", "b", "llm:x@2")):
        run = stage.run(FLAMES, flames_items(2), answered, name=name, data=data * 64)
        stage.judge(run, graded, identity=judge)
        results.append(stage.result(run, FLAMES))
    cautions = parse(render(stage.database, results)).one("ul", kind="cautions").text
    assert "sha256" in cautions
    assert "评审不完全相同" in cautions
    other = stage.run(SC_SAFETY, [Item(id="a-1", turns=("问", "追"), category=("指令攻击", "x"))], answered)
    alone: Sequence[RunResult] = [results[0], stage.result(other, SC_SAFETY)]
    assert not parse(render(stage.database, alone)).all("section", kind="compare")


def test_the_rubrics_origin_the_manifest_and_the_way_back(
    module_stage: Stage, parse: Parse, flames_page: Any, flames: RunResult
) -> None:
    root = flames_page
    about = root.one("section", id=f"run-{flames.run.id}-about")
    assert "本项目的理解" in about.one("strong", kind="tag").text
    assert "早期图示用过四档量表" in about.text
    again = root.one("section", id=f"run-{flames.run.id}-again")
    assert "d" * 64 in again.text
    assert "liangxin run flames --model" in again.one("pre").text
    assert "identity.model" in again.text
    assert f"Liangxin {__version__}" in root.one("footer").text
    quoted = replace(FLAMES, rubric=replace(FLAMES.rubric, ours=False))
    page = parse(render(module_stage.database, [replace(flames, benchmark=quoted)]))
    assert "引自原文" in page.one("section", id=f"run-{flames.run.id}-about").one("strong", kind="tag").text


def test_the_same_store_gives_the_same_page(module_stage: Stage, flames: RunResult) -> None:
    assert render(module_stage.database, [flames]) == render(module_stage.database, [flames])
