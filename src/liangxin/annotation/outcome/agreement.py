"""How far the annotators of a project agree: the numbers of `validate`, live, from everybody's latest levels.

An adjudicator's decisions are no labels here: they would make annotators look more alike than they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from liangxin.agreement.annotators import Reliability, reliability
from liangxin.agreement.scales import common_scale
from liangxin.annotation.outcome.verdicts import LabelledAnswer, label_scale, labelled_answers
from liangxin.measures.intervals import wilson
from liangxin.records import Scale
from liangxin.store import Database

if TYPE_CHECKING:
    from liangxin.annotation.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedShare:
    """A share with its denominator and Wilson's 95 % interval, as shares in [0, 1]; None of nothing."""

    hits: float
    n: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.hits / self.n if self.n else None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Wilson's interval."""
        return wilson(self.hits, self.n) if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementPart:
    """The answers of one dimension, or all."""

    name: str
    """The top category; empty for all of them."""
    answers: int
    """Answers that somebody gave a level for."""
    disputed: int
    """Answers with two different levels at least."""
    reliability: Reliability | None
    """None where the dimensions' scales mean different things by one name: no scale holds them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShare:
    """How often two annotators gave the same level, of the answers that both judged."""

    one: int
    other: int
    share: AgreedShare


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAgreement:
    """How far a project's annotators agree."""

    accounts: tuple[int, ...]
    """Keys of everybody who gave a level."""
    overall: AgreementPart
    parts: tuple[AgreementPart, ...]
    """By dimension; empty where there is one dimension alone."""
    pairs: tuple[PairShare, ...]


def agreement(database: Database, project: Project) -> ProjectAgreement:
    """Agreement over all answers of a project, by dimension and by pairs of annotators."""
    with database.begin() as connection:
        found = [labelled for labelled in labelled_answers(connection, project.key) if labelled.levels]
    return agreement_of(found, project)


def agreement_of(found: Sequence[LabelledAnswer], project: Project) -> ProjectAgreement:
    """`agreement`, of answers that were read already."""
    by_dimension: dict[str, list[LabelledAnswer]] = {}
    for labelled in found:
        by_dimension.setdefault(labelled.dimension, []).append(labelled)
    parts = [_part(name, mine, project) for name, mine in sorted(by_dimension.items())]
    return ProjectAgreement(
        accounts=accounts_of(found),
        overall=_part("", found, project),
        parts=tuple(parts) if len(parts) > 1 else (),
        pairs=tuple(_pairs(found)),
    )


def accounts_of(found: Iterable[LabelledAnswer]) -> tuple[int, ...]:
    """Keys of everybody who gave a level."""
    return tuple(sorted({account for labelled in found for account in labelled.levels}))


def scale_over(found: Iterable[LabelledAnswer], project: Project) -> Scale | None:
    """The scale that holds the levels of all these answers, or None (see `common_scale`)."""
    tops = dict.fromkeys(labelled.category[:1] for labelled in found)
    scales = {scale.name: scale for scale in (label_scale(project, top) for top in tops)}
    return common_scale(scales.values())


def _part(name: str, found: Sequence[LabelledAnswer], project: Project) -> AgreementPart:
    scale = scale_over(found, project)
    return AgreementPart(
        name=name,
        answers=len(found),
        disputed=sum(labelled.disagree for labelled in found),
        reliability=None if scale is None else _reliability(name, found, scale, project),
    )


def _reliability(name: str, found: Sequence[LabelledAnswer], scale: Scale, project: Project) -> Reliability:
    import numpy as np

    row = {account: place for place, account in enumerate(accounts_of(found))}
    ratings = np.full((len(row), len(found)), -1, np.int64)
    for column, labelled in enumerate(found):
        for account, place in labelled.places(scale).items():
            ratings[row[account], column] = place
    # Turns and models' answers of one item are not independent of one another.
    numbers: dict[str, int] = {}
    units = np.array([numbers.setdefault(labelled.item, len(numbers)) for labelled in found], np.int64)
    return reliability(ratings, scale, units=units, seed=f"{project.identity}/{name}")


def _pairs(found: Sequence[LabelledAnswer]) -> Iterable[PairShare]:
    same: dict[tuple[int, int], int] = {}
    both: dict[tuple[int, int], int] = {}
    for labelled in found:
        for pair in combinations(sorted(labelled.levels), 2):
            both[pair] = both.get(pair, 0) + 1
            same[pair] = same.get(pair, 0) + (labelled.levels[pair[0]] == labelled.levels[pair[1]])
    for pair in combinations(accounts_of(found), 2):
        yield PairShare(
            one=pair[0], other=pair[1], share=AgreedShare(hits=same.get(pair, 0), n=both.get(pair, 0))
        )
