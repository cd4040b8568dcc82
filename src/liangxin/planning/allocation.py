"""How many labels each stratum gets."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence


def allocate(
    sizes: Sequence[int], labels: int, *, weights: Sequence[float], minimum: int = 0, had: Sequence[int] = ()
) -> tuple[int, ...]:
    """Share out labels among strata: first up to `minimum` each, then in proportion to the weights.

    Labels are given one at a time, to the stratum that is furthest behind (Webster's method, also named after
    Sainte-Laguë), so more labels only add. What a stratum has already counts towards its share.

    Args:
        sizes: [strata] how many answers each has, labelled ones included.
        labels: new labels to share out; fewer are given where the answers run out.
        weights: [strata] proportional to the wanted totals: the sizes, or `neyman_weights`.
        had: [strata] labels that are there already.

    Returns:
        New labels by stratum.
    """
    before = list(had) or [0] * len(sizes)
    total = list(before)
    queue: list[tuple[bool, float, int]] = []

    def enter(k: int) -> None:
        if total[k] < sizes[k]:
            short = total[k] < minimum
            behind = weights[k] / (2 * total[k] + 1)
            heapq.heappush(queue, (not short, total[k] if short else -behind, k))

    for k in range(len(sizes)):
        enter(k)
    for _ in range(labels):
        if not queue:
            break
        _, _, k = heapq.heappop(queue)
        total[k] += 1
        enter(k)
    return tuple(now - then for now, then in zip(total, before, strict=True))


def neyman_weights(sizes: Sequence[int], rates: Sequence[float]) -> tuple[float, ...]:
    """Weights of least variance for a share: size × √(p(1-p)), p the rate supposed in the stratum.

    Source: Neyman 1934, "On the two different aspects of the representative method".
    """
    return tuple(size * math.sqrt(p * (1 - p)) for size, p in zip(sizes, rates, strict=True))
