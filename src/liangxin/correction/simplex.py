"""Correction for a judge of several levels: the shares of people's levels, kept on the simplex.

With M[i, j] the chance that the judge gives level j to an answer that people give level i, the judge's shares are
q = πM. Given q and M, π is the maximum-likelihood mixture: the π on the simplex that maximises Σ q_j log (πM)_j
(equivalently, the one nearest in Kullback-Leibler divergence), found by the EM steps π_i ← π_i Σ_j M_ij q_j / (πM)_j.
With two levels it is Rogan and Gladen's value kept in [0, 1].

Sources: Dempster, Laird and Rubin 1977 (EM); Saerens, Latinne and Decaestecker 2002 (EM for class shares);
Tenenbein 1972 (misclassified multinomials). Rows of M and the judge's shares are drawn from Dirichlet(count + ½).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from liangxin.correction.corrected import LEAST_STRENGTH, TOO_WEAK, Corrected, CorrectedPart, cannot_say
from liangxin.measures.intervals import generator, percentiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 2_000
_STEPS = 500
_CLOSE = 1e-6
_FLOOR = 1e-12
"""A share that is 0 would stay 0."""


def simplex(
    table: Sequence[Sequence[int]],
    judged: Sequence[int],
    worth: Sequence[float],
    *,
    seed: str,
    confidence: float = 0.95,
) -> Corrected:
    """The mean worth that a run would have, had people judged it.

    Args:
        table: [levels, levels] calibration counts, a row for each level that people gave, a column for each
            that the judge gave.
        judged: [levels] how often the judge gave each level in the run that is corrected.
        worth: [levels] what a level is worth: 0 or 100 for a rate, 100 * points / top for a share of top, points.
        seed: what the draws derive from.

    Raises:
        ValueError: the shapes differ, or a count is negative.
    """
    n = sum(map(sum, table))
    found = part(table, judged, worth, generator(seed, "simplex"), confidence, bounded=True)
    if isinstance(found, str):
        return cannot_say(found, n)
    return Corrected(value=found.value, low=found.low, high=found.high, method="simplex", n_calibration=n)


def part(
    table: Sequence[Sequence[int]],
    judged: Sequence[int],
    worth: Sequence[float],
    draws: np.random.Generator,
    confidence: float = 0.95,
    *,
    bounded: bool = False,
) -> CorrectedPart | str:
    """The same as a part of a mean of several groups, or why it cannot be said.

    Args:
        bounded: keep shares on the simplex. In a mean of several groups that would add up a pull to the middle;
            only the mean is kept in its range then.
    """
    import numpy as np

    counts, seen, value_of = np.array(table, float), np.array(judged, float), np.array(worth, float)
    levels = len(value_of)
    if counts.shape != (levels, levels) or seen.shape != (levels,):
        raise ValueError("the table, the judged levels and their worth do not have one shape")
    if min(counts.min(), seen.min()) < 0:
        raise ValueError("counts cannot be negative")
    if not seen.sum():
        return "the judge ruled on nothing"
    if not counts.sum(axis=1).all():
        return "the calibration has no answer at one of the levels"
    matrices = _dirichlet(counts + 0.5, draws)
    if percentiles(strength(matrices), confidence)[0] <= LEAST_STRENGTH:
        return TOO_WEAK
    shares = _dirichlet(seen + 0.5, draws)
    limits = percentiles(_solutions(matrices, shares) @ value_of, confidence)
    rates = counts / counts.sum(axis=1, keepdims=True)
    if strength(rates[None])[0] <= LEAST_STRENGTH:
        return TOO_WEAK
    plain = (mixture if bounded else _solutions)(rates[None], (seen / seen.sum())[None])[0]
    value = float(plain @ value_of)
    if bounded:
        limits = _bounded(limits, percentiles(mixture(matrices, shares) @ value_of, confidence), value_of)
    return CorrectedPart(
        value=value, low=min(limits[0], value), high=max(limits[1], value), n=int(counts.sum())
    )


def _bounded(free: tuple[float, float], inside: tuple[float, float], worth: Floats) -> tuple[float, float]:
    """The wider of two: the free solutions' limits kept in the range of the worth, and those on the simplex.

    Where the rare levels are hardly there, keeping each share of a draw above 0 adds up to a pull downwards, and
    the second alone misses a truth near the top (at shares .005/.005/.99 one time in ten).
    """
    bottom, top = float(worth.min()), float(worth.max())
    low, high = (min(top, max(bottom, one)) for one in free)
    return min(low, inside[0]), max(high, inside[1])


def strength(matrices: Floats) -> Floats:
    """[draws] the smallest modulus among a confusion matrix's eigenvalues; with two levels |Se + Sp - 1|.

    One eigenvalue is always 1, and that of a judge who cannot tell some levels apart is 0.
    """
    import numpy as np

    values: Floats = np.abs(np.linalg.eigvals(matrices)).min(axis=1)
    return values


def mixture(matrices: Floats, shares: Floats) -> Floats:
    """[draws, levels] the maximum-likelihood π for each (M, q).

    Where the solution of πM = q lies on the simplex it is the maximum; elsewhere EM finds it.
    """
    import numpy as np

    solved = _solutions(matrices, shares)
    outside = (solved < -_CLOSE).any(axis=1)
    solved[outside] = _climb(matrices[outside], shares[outside])
    solved = np.maximum(solved, 0)
    found: Floats = solved / solved.sum(axis=1, keepdims=True)
    return found


def _solutions(matrices: Floats, shares: Floats) -> Floats:
    """[draws, levels] the π of πM = q; its shares add up to 1 but may be negative."""
    import numpy as np

    solved = np.linalg.solve(np.swapaxes(matrices, 1, 2), shares[..., None])
    return np.asarray(solved[..., 0], np.float64)


def _climb(matrices: Floats, shares: Floats) -> Floats:
    """EM from equal shares until none moves any more, with steps drawn out (SQUAREM, Varadhan and Roland 2008).

    Plain EM needs thousands of steps where a share tends to 0. A drawn-out step is taken back where it makes the
    judge's shares less likely, so the likelihood never falls.
    """
    import numpy as np

    found = np.full_like(shares, 1 / shares.shape[1])
    for _ in range(_STEPS):
        one = _step(found, matrices, shares)
        two = _step(one, matrices, shares)
        if np.abs(two - found).max(initial=0) < _CLOSE:
            return two
        first, second = one - found, two - 2 * one + found
        bend = np.linalg.norm(second, axis=1)
        length = -np.divide(np.linalg.norm(first, axis=1), bend, out=np.ones_like(bend), where=bend > 0)[
            :, None
        ]
        far = np.maximum(found - 2 * length * first + length**2 * second, _FLOOR)
        far = _step(far / far.sum(axis=1, keepdims=True), matrices, shares)
        worse = _likelihood(far, matrices, shares) < _likelihood(two, matrices, shares)
        far[worse] = two[worse]
        found = far
    return found


def _step(found: Floats, matrices: Floats, shares: Floats) -> Floats:
    """One step of EM."""
    import numpy as np

    expected = np.einsum("di,dij->dj", found, matrices)
    ratio = np.divide(shares, expected, out=np.zeros_like(shares), where=expected > 0)
    moved = found * np.einsum("dij,dj->di", matrices, ratio)
    after: Floats = moved / moved.sum(axis=1, keepdims=True)
    return after


def _likelihood(found: Floats, matrices: Floats, shares: Floats) -> Floats:
    import numpy as np

    expected = np.einsum("di,dij->dj", found, matrices)
    logs = np.log(expected, out=np.zeros_like(expected), where=expected > 0)
    total: Floats = (shares * logs).sum(axis=1)
    return total


def _dirichlet(alpha: Floats, draws: np.random.Generator) -> Floats:
    """[DRAWS, …] draws along the last axis."""
    gammas = draws.standard_gamma(alpha, (DRAWS, *alpha.shape))
    shares: Floats = gammas / gammas.sum(axis=-1, keepdims=True)
    return shares
