"""A run's scores with the judge's error in them: for every measure and group the judge band."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from liangxin.correction.band import NOT_MEASURED, WIDE, BandCell, BandGap, JudgeBand, difference, judge_band
from liangxin.correction.sources import JudgeSource, read_sources, sources_from
from liangxin.engine.levels import ANY_TURN, LevelCounts
from liangxin.measures.formulas import Formula, attainable, formula_of
from liangxin.measures.tally import ALL, Place, category_places, places_of
from liangxin.measures.unit_kinds import Head, item_of
from liangxin.records import LENGTHS, Measure, Scale, Score
from liangxin.specs import Benchmark, scale_of
from liangxin.store import Database, Evidence, JudgeRecord, Runs

Key = tuple[str, str]
"""(measure, group)."""
ON_THE_RUN = ("stratified", "ppi++")
"""Corrections that rest on people's labels on the run itself."""
_Turns = dict[Head, tuple[int, ...]]
"""The turns of each kind of item that count in a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredError:
    """A judge's levels on a run, and on what its error was measured."""

    benchmark: Benchmark
    judge: JudgeRecord
    levels: LevelCounts
    sources: tuple[JudgeSource, ...]

    def bands(self, confidence: float = 0.95, only: Key | None = None) -> dict[Key, JudgeBand]:
        """(measure, group) -> the band, for every group that has answers.

        Args:
            only: the one that is wanted; None makes all.
        """
        made: dict[Key, JudgeBand] = {}
        for measure in self.benchmark.measures:
            if measure.subject != self.judge.subject or (only is not None and measure.name != only[0]):
                continue
            formula = formula_of(measure)
            for place, turns in self._groups(measure, formula).items():
                key = measure.name, "/".join(place[2])
                if only in (None, key):
                    made[key] = self._band(measure, formula, place, turns, confidence)
        return made

    def _groups(self, measure: Measure, formula: Formula) -> dict[Place, _Turns]:
        found: dict[Place, dict[Head, list[int]]] = {ALL: {}}
        for head, turn in sorted(self.levels.planned):
            item = item_of(head)
            if formula.rounds:
                both = len(item.turns) > 1 and turn <= 2
                categories = category_places(item) if "category" in measure.by else ()
                places: Sequence[Place] = [ALL, *categories] if both else []
            else:
                places = list(places_of(measure, item, turn if measure.per == "turn" else 0))
            for place in places:
                found.setdefault(place, {}).setdefault(head, []).append(turn)
        return {
            place: {head: tuple(turns) for head, turns in heads.items()} for place, heads in found.items()
        }

    def _band(
        self, measure: Measure, formula: Formula, place: Place, turns: _Turns, confidence: float
    ) -> JudgeBand:
        joined = formula.turns is not None and any(head[4] > 1 for head in turns)
        if joined or (formula.tally is not None and not formula.rounds):
            # What several answers come to together was measured on no labelled set.
            return JudgeBand(sources=(), why=NOT_MEASURED)
        if formula.rounds:
            first, second = (
                self._of(dict.fromkeys(turns, (turn,)), formula, False, confidence) for turn in (1, 2)
            )
            return difference(second, first)
        macro = place == ALL and measure.combine == "macro"
        return self._of(turns, formula, macro, confidence)

    def _of(self, turns: _Turns, formula: Formula, macro: bool, confidence: float) -> JudgeBand:
        groups: dict[str, _Turns] = {}
        for head, mine in turns.items():
            top = head[0][0] if macro and head[0] else ""
            groups.setdefault(top, {})[head] = mine
        parts = [_Part.of(self, mine) for _, mine in sorted(groups.items())]
        # As the value: a category without any level is not in the mean, but among what is missing.
        ruled = [part for part in parts if part.ruled]
        cells = [cell for part in ruled for cell in part.cells(formula, 1 / len(ruled), 1 / len(parts))]
        gaps = [gap for part in parts for gap in part.gaps(formula, 1 / len(parts))]
        return judge_band(cells, gaps, self.sources, confidence)

    def scale(self, head: Head) -> Scale:
        """The scale that an item was ruled on."""
        return scale_of(self.judge.subject, self.benchmark, head[0])


@dataclass(slots=True)
class _Part:
    """One group of answers, all of one weight."""

    scales: dict[str, Scale] = field(default_factory=dict)
    planned: Counter[str] = field(default_factory=Counter)
    """By scale."""
    items: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By scale and length; so are the answers, with their level."""
    answers: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, error: MeasuredError, turns: _Turns) -> _Part:
        part = cls()
        for head, mine in turns.items():
            part._add(error.levels, head, mine, error.scale(head))
        return part

    def _add(self, levels: LevelCounts, head: Head, turns: tuple[int, ...], scale: Scale) -> None:
        self.scales[scale.name] = scale
        self.planned[scale.name] += sum(levels.planned[head, turn] for turn in turns)
        for length in range(len(LENGTHS)):
            counts = Counter(
                {
                    level.name: sum(levels.answers[head, turn, length, level.name] for turn in turns)
                    for level in scale.levels
                }
            )
            if counts.total():
                place = scale.name, length
                self.answers.setdefault(place, Counter()).update(counts)
                self.items[place] += levels.items[head, turns[0] if len(turns) == 1 else ANY_TURN, length]

    @property
    def ruled(self) -> int:
        """Answers with a level."""
        return sum(counts.total() for counts in self.answers.values())

    def cells(self, formula: Formula, weight: float, planned: float) -> Iterator[BandCell]:
        """Its answers with a level.

        Args:
            weight: the group's among those with levels.
            planned: its weight among all groups.
        """
        kept = self.ruled / self.planned.total() * planned / weight
        for (scale, length), counts in self.answers.items():
            yield BandCell(
                weight=weight * counts.total() / self.ruled,
                kept=kept,
                scale=scale,
                worths=formula.worths(self.scales[scale]),
                length=LENGTHS[length],
                items=self.items[scale, length],
                counts=counts,
            )

    def gaps(self, formula: Formula, planned: float) -> Iterator[BandGap]:
        """Its answers without."""
        for scale, number in self.planned.items():
            ruled = sum(counts.total() for (name, _), counts in self.answers.items() if name == scale)
            if number > ruled:
                share = (number - ruled) / self.planned.total()
                yield BandGap(weight=planned * share, worths=formula.worths(self.scales[scale]))


def measured_error(
    database: Database, benchmark: Benchmark, judge: JudgeRecord, levels: LevelCounts
) -> MeasuredError:
    """What is known of a judge's error: what it tells itself, and the user's validations of the same identity."""
    told = () if judge.sources is None else read_sources(judge.sources)
    return MeasuredError(
        benchmark=benchmark, judge=judge, levels=levels, sources=(*told, *_validated(database, judge))
    )


def _validated(database: Database, judge: JudgeRecord) -> Iterator[JudgeSource]:
    """Of several measurements on the same labels, such as a file that grew, the newest; none on what it learnt from."""
    seen: set[tuple[str, str, str, str]] = set()
    learnt = _learnt_from(database, judge)
    for record in Evidence(database).validations(judge.identity):
        gold, _, digest = record.gold.rpartition("@")
        key = (record.benchmark, record.run, gold, record.content["scale"])
        if record.content.get("sources") and key not in seen and not learnt(record.run, digest):
            seen.add(key)
            yield from sources_from(record.content["sources"])


def _learnt_from(database: Database, judge: JudgeRecord) -> Callable[[str, str], bool]:
    """Whether a judge was trained on the prompts of a run (its data, by any model), or on a file of labels.

    A scorer's manifest says what it was trained on.
    """
    settings = judge.manifest.get("settings")
    training = settings.get("training", {}) if isinstance(settings, Mapping) else {}
    named, sha256 = str(training.get("runs", "")), str(training.get("sha256", ""))
    runs = Runs(database).all() if named else []
    datasets = {run.dataset for run in runs if run.id in named}
    taught = {run.id for run in runs if run.dataset in datasets}
    return lambda run, digest: run in taught or bool(digest and sha256.startswith(digest))


def banded(error: MeasuredError, scores: Sequence[Score]) -> tuple[Score, ...]:
    """Scores with their bands; bounds for what is missing start from the band's ends where there is one."""
    bands = error.bands()
    measures = {measure.name: measure for measure in error.benchmark.measures}
    return tuple(_banded(score, measures[score.measure], bands) for score in scores)


def _banded(score: Score, measure: Measure, bands: Mapping[Key, JudgeBand]) -> Score:
    if score.corrected is not None and score.corrected.get("method") in ON_THE_RUN:
        # People's labels on part of the run say more than any set from elsewhere.
        return score
    band = bands.get((score.measure, score.group))
    if band is None or score.value is None:
        band = JudgeBand(sources=() if band is None else band.sources, why=NOT_MEASURED)
    ends = band.lowest, band.highest
    worst, best = ends[::-1] if measure.higher_is_better is False else ends
    return replace(
        score,
        judge_low=band.low,
        judge_high=band.high,
        judge_basis=band.basis(),
        worst=score.worst if band.why else worst,
        best=score.best if band.why else best,
    )


def cannot_tell(measure: str, low: float | None, high: float | None, benchmark: Benchmark) -> bool:
    """Whether a measure's band is wider than 60 points of 100, so that the numbers beside it say nothing."""
    if low is None or high is None:
        return False
    declared = next(one for one in benchmark.measures if one.name == measure)
    worths = attainable(declared, benchmark)
    span = worths[-1] - worths[0] if declared.unit == "points" else 100.0
    return 100 * (high - low) / span > WIDE
