"""A result as HTML for notebooks: escaped, without script or colours of its own, so it fits light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from liangxin.engine.headline import Headline, headlines, said_by, ungiven
from liangxin.engine.results import JudgeResult, RunResult
from liangxin.records import Score
from liangxin.report.numbers import figure, missing, span
from liangxin.report.tables import OVERALL, group_title
from liangxin.text import visible
from liangxin.words import (
    Bilingual,
    band_title,
    category_titles,
    measure_title,
    same,
    status_title,
    title_of,
    verdict_title,
)

SAMPLE = Bilingual(zh="样例·非成绩", en="sample, not a result")
FAKE = Bilingual(zh="模型是脚本，只验证流程", en="a scripted model: plumbing, not values")
_MISSING = Bilingual(zh="缺失", en="missing")
_HEADINGS = (
    Bilingual(zh="指标", en="measure"),
    Bilingual(zh="分组", en="group"),
    Bilingual(zh="值", en="value"),
    Bilingual(zh="评审误差带", en="judge band"),
    Bilingual(zh="95% 区间（有误差带的：仅抽样）", en="interval (with a judge band: sampling only)"),
    same("n"),
    _MISSING,
    Bilingual(zh="最坏–最好", en="bounds"),
)
_LEFT = "text-align:left;padding:.15em .9em .15em 0;border:0;background:none;color:inherit;"
_RIGHT = "text-align:right;padding:.15em .9em .15em 0;border:0;background:none;color:inherit;font-variant-numeric:tabular-nums;"
_RULE = "border-bottom:1px solid rgba(128,128,128,.5);"
_BADGE = "border:1px solid currentColor;border-radius:.3em;padding:0 .4em;margin-left:.5em;font-weight:600;display:inline-block;white-space:nowrap;"
_FAINT = "opacity:.75;"


def result_html(result: RunResult) -> str:
    """The result as one block of HTML.

    Every text of the run is escaped and its invisible characters made visible; nothing is loaded or run.
    """
    run = result.run
    title = Markup("<strong>{}</strong> · {} · <code>{}</code>").format(
        _both(result.benchmark.title), visible(run.model), visible(run.label)
    )
    badges = [mark for mark, shown in ((SAMPLE, run.sample), (FAKE, run.traits.scripted)) if shown]
    parts = [Markup("<div>{}{}</div>").format(title, Markup("").join(map(_badge, badges)))]
    replies = {_both(status_title(name)): count for name, count in result.replies.items()}
    parts.append(_line("回答 replies", _counts(replies)))
    if result.failure_count:
        shown = "; ".join(visible(one) for one in result.failures[:3])
        parts.append(
            _line(f"失败 failed {result.failure_count}", f"{shown}{' …' * (result.failure_count > 3)}")
        )
    parts.extend(_headline(one, first=not place) for place, one in enumerate(headlines(result)))
    parts.extend(
        Markup('<div style="{}">{}</div>').format(_FAINT, visible(lack.line)) for lack in ungiven(result)
    )
    parts.extend(_judge(result, judge) for judge in result.judges)
    if not result.judges:
        parts.append(_line("未评审 not judged", "result.judge('rule')"))
    return str(Markup('<div style="line-height:1.5">{}</div>').format(Markup("").join(parts)))


def _judge(result: RunResult, judge: JudgeResult) -> Markup:
    verdicts = {_both(verdict_title(name)): count for name, count in judge.verdicts.items()}
    heading = _line(f"评审 judge {visible(judge.record.identity)}", _counts(verdicts))
    shown = said_by(judge)
    names = category_titles(result.benchmark.taxonomy)
    head = [score for score in shown if score.group == OVERALL]
    rest = [score for score in shown if score.group != OVERALL]
    made = heading + (_table(head, names) if head else Markup(""))
    if rest:
        made += Markup(
            '<details><summary style="cursor:pointer">各分组 by group ({})</summary>{}</details>'
        ).format(len(rest), _table(rest, names))
    return made


def _headline(one: Headline, *, first: bool) -> Markup:
    """One number with its judge; the first is what the run comes to."""
    score = one.score
    interval = span(score.low, score.high)
    lacking = f", {_both(_MISSING)} {score.missing}" if score.missing else ""
    return Markup(
        '<div style="{}">{} <strong>{}</strong> {} <span style="{}">n = {}{} · <code>{}</code></span></div>'
    ).format(
        "font-size:1.15em" if first else "",
        _both(title_of(one.measure)),
        figure(score.value),
        f"评审误差带 judge band {_band(score)}, 仅抽样 sampling only {interval}"
        if score.erring
        else interval,
        _FAINT,
        score.n,
        lacking,
        visible(one.judge.record.identity),
    )


def _table(scores: Sequence[Score], names: Mapping[str, Bilingual]) -> Markup:
    cells = Markup("").join(
        Markup('<th style="{}">{}</th>').format(_RULE + (_LEFT if place < 2 else _RIGHT), _both(one))
        for place, one in enumerate(_HEADINGS)
    )
    rows = Markup("").join(Markup("<tr>{}</tr>").format(_cells(score, names)) for score in scores)
    return Markup(
        '<table style="border-collapse:collapse;color:inherit;background:none;font-size:.95em">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    ).format(cells, rows)


def _cells(score: Score, names: Mapping[str, Bilingual]) -> Markup:
    title = group_title(score.group, names)
    group = _both(title) if "/" not in score.group else f"　{_both(title)}"
    lacking = "; ".join(f"{_both(one.reason)} {one.count}" for one in missing(score))
    texts = (
        _both(measure_title(score.measure)),
        visible(group),
        figure(score.value) + (" 未完成 incomplete" if score.incomplete else ""),
        _band(score),
        span(score.low, score.high),
        str(score.n),
        f"{score.missing} ({lacking})" if lacking else str(score.missing),
        span(*score.bounds),
    )
    return Markup("").join(
        Markup('<td style="{}">{}</td>').format((_LEFT if place < 2 else _RIGHT) + _kept(place), text)
        for place, text in enumerate(texts)
    )


def _band(score: Score) -> str:
    """The judge band, or why there is none."""
    basis = score.judge_basis
    if score.replaced is not None:
        return f"校正 corrected {span(*score.replaced[1:])}"
    if basis is None or basis["why"] is None:
        return span(score.judge_low, score.judge_high)
    return _both(band_title(basis["why"]))


def _kept(place: int) -> str:
    """Everything but the reasons of what is missing stays on one line."""
    return "" if place == _HEADINGS.index(_MISSING) else "white-space:nowrap;"


def _line(label: str, text: str) -> Markup:
    return Markup('<div style="{}">{}: {}</div>').format(_FAINT, label, text)


def _badge(text: Bilingual) -> Markup:
    return Markup('<span style="{}">{}</span>').format(_BADGE, _both(text))


def _both(text: Bilingual) -> str:
    return text.zh if text.zh == text.en or not text.en else f"{text.zh} {text.en}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "—"
