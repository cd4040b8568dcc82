"""`make scorer`: train the default scorer from public sets and our own pairs, measure it, write its directory.

Everything is seeded and single-threaded, so the same machine and lock file give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from default_scorer.augment import vary
from default_scorer.baselines import baselines
from default_scorer.built import Built
from default_scorer.public import (
    AISAFETYLAB,
    COLD_TEST,
    JADE,
    OWN,
    PublicSet,
    digests,
    public_folder,
    read_set,
)
from default_scorer.table import (
    SAFETY_HEAD,
    Comparison,
    Line,
    cold_lines,
    compare,
    fitted_probabilities,
    lines,
    markdown,
)
from liangxin.errors import LiangxinError
from liangxin.files import file_digest
from liangxin.judges.scorer import DEFAULT
from liangxin.judges.scoring.features import FeatureSettings
from liangxin.judges.scoring.files import WEIGHTS, Head, Settings, write_settings
from liangxin.judges.scoring.predict import softmax
from liangxin.judges.scoring.tensors import write_tensors
from liangxin.scorer.calibrate import fit_temperature
from liangxin.scorer.evaluation_pairs import own_pairs, pair_rows
from liangxin.scorer.ngram import Examples, Fitted, Fitting, fit
from liangxin.scorer.rows import Labelled
from liangxin.scorer.splits import Split, split
from liangxin.scorer.train import SHARES, examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "default"
SEED = 0
FITTING = Fitting(features=FeatureSettings(parts=("prompt", "unquoted", "tail"), bits=18), strength=20.0)
"""Chosen by cross-validation on our own training pairs, never on the evaluation pairs."""
PUBLIC_WEIGHT = 0.05
"""Of a public row beside a varied row of our own: the public sets differ by style so plainly that they would drown it."""
VARIATIONS = 4
FOLDS = 4
SETS: tuple[PublicSet, ...] = (JADE, AISAFETYLAB)


def training(
    rows: Sequence[Labelled], own: Sequence[tuple[str, str, str]], half: int | None = None
) -> Examples:
    """Public rows at their small weight, our own pairs with their variations at full weight."""
    varied = vary(own, SEED + 1, VARIATIONS, half)
    base = examples(rows, SAFETY_HEAD)
    levels = SAFETY_HEAD[0].levels
    return Examples(
        pairs=[*base.pairs, *((prompt, answer) for _, prompt, answer, _ in varied)],
        heads=[*base.heads, *([0] * len(varied))],
        levels=[*base.levels, *(levels.index(level) for _, _, _, level in varied)],
        weights=[PUBLIC_WEIGHT] * len(rows) + [1.0] * len(varied),
    )


def build(folder: Path) -> Built:
    """Train and measure.

    Raises:
        DataError: a public set is missing or not as published.
    """
    public = [row for one in SETS for row in read_set(one, folder)]
    sides = split(public, "prompt", SHARES, SEED)
    learn, calibration = ([public[at] for at in sides.sides[side]] for side in (0, 1))
    own = own_training()
    fitted = fit(training(learn, own), [2], FITTING)
    logits, labels = _held_out(learn, own)
    aside = examples(calibration, SAFETY_HEAD)
    logits = np.concatenate([logits, fitted.backbone().logits(aside.pairs)[0]])
    labels = np.concatenate([labels, np.array(aside.levels)])
    head = Head(name="*", levels=SAFETY_HEAD[0].levels, temperature=fit_temperature(logits, labels))
    settings = Settings(
        name=NAME,
        backbone="ngram",
        heads=(head,),
        options={
            "parts": list(FITTING.features.parts),
            "orders": list(FITTING.features.orders),
            "bits": FITTING.features.bits,
        },
        training=_training(folder, sides, len(labels)),
    )
    found, comparisons = _measured(fitted, head, public, sides, own)
    cold, both = cold_lines(folder)
    cold_rows = read_set(COLD_TEST, folder)
    scored = [(row.prompt, row.response) for row in cold_rows]
    found += lines(
        "none of it in training", {"default scorer": _probabilities(fitted, head, scored)}, cold_rows
    )
    return Built(
        fitted=fitted,
        settings=settings,
        split=sides,
        public=public,
        lines=[*found, *cold],
        comparisons=comparisons,
        cold_in_both=both,
    )


def own_training() -> list[tuple[str, str, str]]:
    """Our own training pairs as (prompt, safe, unsafe)."""
    rows = own_pairs(OWN)
    return [
        (safe["prompt"], safe["response"], unsafe["response"])
        for safe, unsafe in zip(rows[::2], rows[1::2], strict=True)
    ]


def _held_out(
    learn: Sequence[Labelled], own: Sequence[tuple[str, str, str]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits of our own pairs from models that saw neither the pair nor the phrases it was varied with."""
    logits, labels = [], []
    for fold in range(FOLDS):
        kept = [pair for at, pair in enumerate(own) if at % FOLDS != fold]
        held = [pair for at, pair in enumerate(own) if at % FOLDS == fold]
        varied = vary(held, SEED + 2, 1, half=1)
        model = fit(training(learn, kept, half=0), [2], FITTING).backbone()
        logits.append(model.logits([(prompt, answer) for _, prompt, answer, _ in varied])[0])
        labels += [SAFETY_HEAD[0].levels.index(level) for _, _, _, level in varied]
    return np.concatenate(logits), np.array(labels, dtype=np.int64)


def _probabilities(fitted: Fitted, head: Head, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    parts = [fitted.backbone().logits(pairs[at : at + 256])[0] for at in range(0, len(pairs), 256)]
    return softmax(np.concatenate(parts) / head.temperature)


def _measured(
    fitted: Fitted, head: Head, public: Sequence[Labelled], sides: Split, own: Sequence[tuple[str, str, str]]
) -> tuple[list[Line], list[Comparison]]:
    """The default scorer and the baselines on held-out prompts and on the pairs; then each source left out."""
    learn, test = ([public[at] for at in sides.sides[side]] for side in (0, 2))
    rows = [*pair_rows(), *test]
    pairs = [(row.prompt, row.response) for row in rows]
    train = training(learn, own)
    held = examples([public[at] for at in sides.sides[1]], SAFETY_HEAD)
    judges = {
        "default scorer": _probabilities(fitted, head, pairs),
        **_tiny(train, held, pairs),
        **baselines(train, pairs, FITTING),
    }
    found = lines("held-out prompts", judges, rows)
    comparisons = [
        compare(found, "default scorer", source, rows) for source in ("pairs", "jade hard", "jade medium")
    ]
    without_own = Examples(**{**_fields(examples(learn, SAFETY_HEAD)), "weights": None})
    apart = pair_rows()
    texts = [(row.prompt, row.response) for row in apart]
    found += lines(
        "by source: without our own pairs",
        {"ngram": fitted_probabilities(without_own, texts, FITTING)},
        apart,
    )
    for name in ("jade", "aisafetylab"):
        kept = [row for row in public if not row.source.startswith(name)]
        left = [row for row in public if row.source.startswith(name)]
        texts = [(row.prompt, row.response) for row in left]
        judged = fitted_probabilities(training(kept, own), texts, FITTING)
        found += lines(f"by source: without {name}", {"ngram": judged}, left)
    return found, comparisons


def _tiny(
    learn: Examples, held: Examples, pairs: Sequence[tuple[str, str]]
) -> dict[str, NDArray[np.float64]]:
    """The `hf` line, where torch and transformers are installed."""
    try:
        from default_scorer.tiny import NAME as TINY
        from default_scorer.tiny import tiny_probabilities

        return {TINY: tiny_probabilities(learn, held, pairs)}
    except ImportError:
        sys.stderr.write("scorer: without torch and transformers (extra hf) the table has no hf line\n")
        return {}


def _fields(one: Examples) -> dict[str, Any]:
    return {"pairs": one.pairs, "heads": one.heads, "levels": one.levels}


def _training(folder: Path, sides: Split, calibration: int) -> dict[str, Any]:
    return {
        "sets": {
            one.name: {"licence": one.licence, "origin": one.origin, "sha256": digests(one, folder)}
            for one in SETS
        },
        "own": {"file": OWN.name, "sha256": file_digest(str(OWN)), "variations": VARIATIONS},
        "split": "prompt",
        "seed": SEED,
        "rows": [len(side) for side in sides.sides],
        "calibration_answers": calibration,
        "strength": FITTING.strength,
        "public_weight": PUBLIC_WEIGHT,
    }


def write(built: Built, folder: Path, docs: Path | None) -> None:
    """Write the directory, and the table into the documentation where it is at hand."""
    from default_scorer.default_card import default_card

    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, {"weights": built.fitted.weights, "bias": built.fitted.bias})
    write_settings(folder, built.settings)
    (folder / "card.md").write_text(default_card(built), encoding="utf-8")
    for page in (docs / "scorer.zh.md", docs / "scorer.en.md") if docs else ():
        if page.exists():
            text = page.read_text(encoding="utf-8")
            before, _, rest = text.partition("<!-- table -->\n")
            _, _, after = rest.partition("<!-- end of table -->")
            page.write_text(
                f"{before}<!-- table -->\n{markdown(built.lines)}\n<!-- end of table -->{after}",
                encoding="utf-8",
            )


def main() -> int:
    """Build it where it belongs, or in the folder named as the only argument."""
    try:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
        docs = Path(__file__).parents[2] / "docs"
        built = build(public_folder())
        write(built, folder, docs if docs.is_dir() and len(sys.argv) == 1 else None)
    except LiangxinError as error:
        sys.stderr.write(f"scorer: {error}\n")
        return error.exit_status
    sys.stdout.write(markdown(built.lines) + "\n")
    for one in built.comparisons:
        verdict = "beaten" if one.beaten else "not beaten"
        sys.stdout.write(f"{one.source}: best baseline {one.baseline}: {one.difference} ({verdict})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
