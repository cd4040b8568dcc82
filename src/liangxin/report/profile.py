"""A model's profile: all its benchmarks in one table and, where three or more have a score, a radar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from liangxin.charts import PERCENT
from liangxin.engine.results import PREFERRED
from liangxin.measures.formulas import formula_of
from liangxin.report.numbers import Number
from liangxin.report.radar import Spoke, radar
from liangxin.report.tables import ScoreTable
from liangxin.report.view import JudgeView, RunView
from liangxin.words import Bilingual


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry:
    """One overall number of one run by one judge."""

    view: RunView
    judge: JudgeView
    frame: ScoreTable
    number: Number
    spoke: int | None
    """Its spoke in one of the radars, counted from 1; None where it is in none."""

    @property
    def ends(self) -> str:
        """The axis' ends where it does not run from 0 to 100."""
        axis = self.frame.axis
        return "" if (axis.low, axis.high) == (0, 100) else f"{axis.low:g}–{axis.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarFigure:
    """One radar with what it shows."""

    title: Bilingual
    note: Bilingual
    chart: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything measured of one model, benchmark by benchmark."""

    model: str
    scripted: bool
    sample: bool
    groups: tuple[tuple[RunView, tuple[ProfileEntry, ...]], ...]
    figures: tuple[RadarFigure, ...]

    @property
    def serviced(self) -> bool:
        """Whether any number differs in the service view."""
        return any(view.serviced for view, _ in self.groups)

    @property
    def erring(self) -> bool:
        """Whether any number is of a judge that may err."""
        return any(entry.number.score.erring for _, entries in self.groups for entry in entries)


_HEADLINE = Bilingual(zh="主要得分", en="Headline scores")
_HEADLINE_NOTE = Bilingual(
    zh="每个基准取其声明的第一个有值的指标（自己的量表没有时取安全率），各轴从该指标的最低分到最高分，向外为好。",
    en="Each benchmark's first measure that has a value (the safe rate where its own scale has none), from its lowest to its highest score; outwards is better.",
)
_REFUSAL = Bilingual(zh="拒答率", en="Refusal rate")
_REFUSAL_NOTE = Bilingual(
    zh="各轴 0–100%；拒答多或少本身不分好坏，要看题目是否应拒答。",
    en="Each axis runs from 0 to 100 %; more or less is not good by itself: it depends on what should be refused.",
)


def profiles(views: Sequence[RunView]) -> tuple[Profile, ...]:
    """A profile for each model of which several benchmarks were run."""
    by_model: dict[str, list[RunView]] = {}
    for view in views:
        by_model.setdefault(_model(view), []).append(view)
    return tuple(
        _profile(group)
        for group in by_model.values()
        if len({view.result.run.benchmark for view in group}) > 1
    )


def _model(view: RunView) -> str:
    """What makes two runs' models the same one: the run's own identity of it, base URL or weights included."""
    identity = view.result.run.manifest.get("identity")
    known = identity.get("model") if isinstance(identity, dict) else None
    return str(known or view.result.run.model)


def _profile(views: Sequence[RunView]) -> Profile:
    told = [(view, _told(view)) for view in views]
    headline = [_first(entries, "primary", "safety") for _, entries in told]
    refusal = [_first(entries, "refusal") for _, entries in told]
    figures = [
        _figure(views, headline, _HEADLINE, _HEADLINE_NOTE),
        _figure(views, refusal, _REFUSAL, _REFUSAL_NOTE),
    ]
    drawn = {
        id(number)
        for figure, numbers in zip(figures, (headline, refusal), strict=True)
        if figure.chart
        for _, _, number in (entry for entry in numbers if entry is not None)
    }
    return Profile(
        model=views[0].result.run.model,
        scripted=views[0].scripted,
        sample=any(view.result.run.sample for view in views),
        groups=tuple(
            (
                view,
                tuple(
                    ProfileEntry(
                        view=view,
                        judge=judge,
                        frame=frame,
                        number=number,
                        spoke=place if id(number) in drawn else None,
                    )
                    for judge, frame, number in entries
                ),
            )
            for place, (view, entries) in enumerate(told, start=1)
        ),
        figures=tuple(figure for figure in figures if figure.chart),
    )


class _Told(NamedTuple):
    judge: JudgeView
    frame: ScoreTable
    number: Number


def _told(view: RunView) -> list[_Told]:
    """A run's overall numbers, the headline's scale first; what no judge could say stands once, with the reason."""
    found = sorted(
        ((judge, frame, number) for judge in view.judges for frame, number in judge.tiles),
        key=lambda one: PREFERRED.index(one[1].measure.subject),
    )
    said = {frame.measure.name for _, frame, number in found if number.score.value is not None}
    kept: list[_Told] = []
    empty: set[str] = set()
    for judge, frame, number in found:
        name = frame.measure.name
        if number.score.value is None:
            if name in said or name in empty:
                continue
            empty.add(name)
        kept.append(_Told(judge, frame, number))
    return kept


def _first(entries: Sequence[_Told], *subjects: str) -> _Told | None:
    """The number on a radar: the first with a value, by subject; a change between rounds is no level."""
    fitting = [
        entry
        for subject in subjects
        for entry in entries
        if entry.frame.measure.subject == subject and formula_of(entry.frame.measure).drawn
    ]
    return next((entry for entry in fitting if entry.number.score.value is not None), None)


def _figure(
    views: Sequence[RunView], numbers: Sequence[_Told | None], title: Bilingual, note: Bilingual
) -> RadarFigure:
    spokes = [
        _spoke(place, view.result.run.benchmark, entry)
        for place, (view, entry) in enumerate(zip(views, numbers, strict=True), start=1)
    ]
    said = (
        f"{spoke.number} {spoke.name}: "
        + ("—" if entry is None else f"{entry.number.value}{entry.number.unit} {entry.number.interval}")
        for spoke, entry in zip(spokes, numbers, strict=True)
    )
    return RadarFigure(title=title, note=note, chart=radar(spokes, f"{title.zh} {title.en}", "; ".join(said)))


def _spoke(place: int, name: str, entry: _Told | None) -> Spoke:
    if entry is None:
        return Spoke(number=place, name=name, axis=PERCENT, value=None, low=None, high=None)
    _, frame, number = entry
    score = number.score
    return Spoke(
        number=place,
        name=name,
        axis=frame.axis,
        value=None if number.few else score.value,
        low=score.low,
        high=score.high,
    )
