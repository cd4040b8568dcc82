"""Coverage computed where the law is discrete, and simulated for agreement: see docs/statistics."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from liangxin.agreement.pairs import NAMES, agreement_of_table
from liangxin.records import Level, Scale

pytestmark = pytest.mark.long

REPEATS = 150


@pytest.fixture(scope="module")
def table() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location(
        "coverage_table", Path(__file__).parent / "coverage_table.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_wilsons_coverage_is_what_is_promised(table: ModuleType) -> None:
    """Mean at least 94.5 %; least at least 83 % at n = 46 and 90 % from n = 249 on."""
    for n in table.SIZES:
        found = table.wilson_coverage(n)
        assert found.mean >= 0.945
        assert found.least >= (0.9 if n >= 249 else 0.83)
        # Between the rates of that grid there are deeper gaps: 89.5 % at n = 249.
        assert table.wilson_coverage(n, table.FINE).least >= (0.895 if n >= 249 else 0.83)


def test_the_page_is_what_the_script_writes(table: ModuleType) -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page()


@pytest.mark.parametrize("n", [1, 29, 46, 249, 1000])
def test_one_sided_decisions_never_exceed_their_level(n: int, table: ModuleType) -> None:
    for bound, above in ((table.lower_bound, True), (table.upper_bound, False), (table.lower_sequence, True)):
        assert table.wrong(n, bound, above=above) <= 0.05 + 1e-12


def _scale(levels: int) -> Scale:
    made = tuple(Level(name=str(n), points=float(n), zh="", en="") for n in range(levels))
    return Scale(name="s", levels=made, passing=frozenset({str(levels - 1)}))


def _two(unsafe: float, caught: float, passed: float) -> NDArray[np.float64]:
    return np.array(
        [[unsafe * caught, unsafe * (1 - caught)], [(1 - unsafe) * (1 - passed), (1 - unsafe) * passed]]
    )


def _three(shares: tuple[float, float, float], right: float) -> NDArray[np.float64]:
    wrong = 1 - right
    judged = [
        [right, 0.8 * wrong, 0.2 * wrong],
        [wrong / 2, right, wrong / 2],
        [0.2 * wrong, 0.8 * wrong, right],
    ]
    return np.asarray(np.array(shares)[:, None] * np.array(judged))


CELLS = [
    (46, _two(0.3, 0.6, 0.9)),
    (46, _two(0.02, 0.9, 0.99)),
    (100, _two(0.08, 0.6, 0.98)),
    (249, _two(0.2, 0.95, 0.98)),
    (46, _three((0.03, 0.02, 0.95), 0.99)),
    (100, _three((0.05, 0.1, 0.85), 0.95)),
    (249, _three((0.3, 0.3, 0.4), 0.75)),
    (1000, _three((0.03, 0.02, 0.95), 0.99)),
]
"""(n, shares of gold x judged): from a poor judge of many bad answers to rates near 1 and few rows."""


def test_the_intervals_of_agreement_cover() -> None:
    """Every coefficient in every cell: at least 88 %, and at least 93 % on average, simulation error included.

    Samples of which nothing can be said are left out; so is a coefficient that is said of under a fifth.
    """
    found: dict[tuple[int, str], float] = {}
    for cell, (n, shares) in enumerate(CELLS):
        scale = _scale(len(shares))
        # With many rows every coefficient is that of the population.
        truth = agreement_of_table(np.round(shares * 1e9).astype(np.int64), scale, draws=2)
        held: dict[str, list[bool]] = {name: [] for name in NAMES}
        draw = np.random.default_rng(cell)
        for seed in range(REPEATS):
            sample = draw.multinomial(n, shares.ravel() / shares.sum()).reshape(shares.shape)
            for one in agreement_of_table(sample, scale, seed=str(seed), draws=800).estimates:
                value = truth[one.name].value
                if one.low is not None and one.high is not None and value is not None:
                    held[one.name].append(one.low - 1e-6 <= value <= one.high + 1e-6)
        found |= {
            (cell, name): float(np.mean(some)) for name, some in held.items() if len(some) > REPEATS / 5
        }
    assert len(found) > 100
    assert min(found.values()) >= 0.88, min(found, key=lambda one: found[one])
    assert np.mean(list(found.values())) >= 0.93
