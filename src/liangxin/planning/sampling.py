"""Which answers people should read next: drawn at random within strata, with what the estimator needs to know."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from liangxin.digests import lot
from liangxin.planning.allocation import allocate, neyman_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledAnswer:
    """An answer that a judge has ruled on."""

    id: str
    """Unique in the run: the dialogue's key and turn."""
    dimension: str
    level: str
    """The judge's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One stratum of a sample."""

    dimension: str
    level: str
    size: int
    """Answers of the run in it."""
    labelled: int
    """Answers of it that had a label before."""
    chosen: int

    @property
    def fraction(self) -> float:
        """The share of it that is read once the chosen answers have labels."""
        return (self.labelled + self.chosen) / self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The answers to read next, and the strata they were drawn in."""

    chosen: tuple[str, ...]
    """In an order that tells nothing of the judge's level."""
    strata: tuple[Drawn, ...]


def draw_sample(
    answers: Sequence[RuledAnswer],
    labels: int,
    *,
    seed: str,
    labelled: Collection[str] = (),
    minimum: int = 5,
    disagreement: Mapping[str, float] | None = None,
) -> Sample:
    """Draw answers at random within judge level × dimension, never one that is labelled.

    Each answer has a lot that depends on the seed and its id alone, and a stratum gives its lowest lots: the same
    call gives the same sample in any order of the answers, and more labels only add to it. For the estimator to be
    unbiased, what was labelled before must be a random part of its stratum too.

    Args:
        answers: every answer of the run that the judge gave a level.
        labels: how many more answers to read; all that are left where there are fewer.
        labelled: ids of answers that have a label.
        minimum: labels that every stratum should have, earlier ones included, before the rest is shared out in
            proportion to the strata's sizes.
        disagreement: by judge level, the share of answers where people are supposed to differ from the judge;
            the rest is then shared out by Neyman's rule.
    """
    known = frozenset(labelled)
    strata: dict[tuple[str, str], list[str]] = {}
    for one in answers:
        strata.setdefault((one.dimension, one.level), []).append(one.id)
    places = sorted(strata)
    sizes = [len(strata[place]) for place in places]
    had = [sum(one in known for one in strata[place]) for place in places]
    weights: Sequence[float] = sizes
    if disagreement is not None:
        weights = neyman_weights(sizes, [disagreement.get(level, 0.5) for _, level in places])
    counts = allocate(sizes, labels, weights=weights, minimum=minimum, had=had)
    chosen: list[str] = []
    for place, count in zip(places, counts, strict=True):
        left = sorted((one for one in strata[place] if one not in known), key=lambda one: lot(seed, one))
        chosen.extend(left[:count])
    drawn = tuple(
        Drawn(dimension=dimension, level=level, size=size, labelled=before, chosen=count)
        for (dimension, level), size, before, count in zip(places, sizes, had, counts, strict=True)
    )
    # Another lot for the order: the strata's lots would put the small strata's answers first.
    return Sample(chosen=tuple(sorted(chosen, key=lambda one: lot(f"{seed}/order", one))), strata=drawn)
