"""`liangxin scorer train | evaluate | show`: light judges from labels, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liangxin.cli.help import SpokenCommand, SpokenGroup
from liangxin.cli.options import Format, OutputFormat, StoreOption
from liangxin.cli.terminal import put, say, say_json, stated, tell
from liangxin.languages import in_language

if TYPE_CHECKING:
    from liangxin.scorer.on_base import BaseScorer
    from liangxin.scorer.rows import HeadSpec, Labelled
    from liangxin.scorer.train import Plan

Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="JSON lines, csv or xlsx: dimension, prompt, response, level[, model, source].",
    ),
]
ScorerArgument = Annotated[
    str,
    typer.Argument(
        metavar="[SCORER]", help="A scorer's directory or name (default: the one in the package)."
    ),
]


EPOCHS = 5
"""Of fine-tuning, at most, where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """What was asked of fine-tuning."""

    epochs: int | None
    resume: bool

    @property
    def asked(self) -> bool:
        """Whether anything was."""
        return self.epochs is not None or self.resume


class SplitBy(StrEnum):
    """What no two sides of a split may share."""

    PROMPT = "prompt"
    MODEL = "model"
    SOURCE = "source"


@stated
def train(
    output: Annotated[str, typer.Option("--output", metavar="DIR", help="Where to write the scorer.")],
    labels: Labels = None,
    runs: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="RUN", help="People's verdicts on a stored run, instead of a file."),
    ] = None,
    backbone: Annotated[
        str, typer.Option("--backbone", metavar="ngram|hf:PATH", help="What reads the texts.")
    ] = "ngram",
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="SCORER|none",
            help="The scorer to train on top of; none: from nothing (ngram).",
        ),
    ] = "default",
    heads: Annotated[
        str | None,
        typer.Option(
            "--heads",
            metavar="SPEC",
            help="flames, sc-safety, safety, or 'NAME=worst,…,best;…' (default: from the file).",
        ),
    ] = None,
    by: Annotated[
        SplitBy, typer.Option("--split", help="What training, calibration and test must not share.")
    ] = (SplitBy.PROMPT),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the split and of fine-tuning.")] = 0,
    abstain: Annotated[
        float | None,
        typer.Option(
            "--abstain",
            min=0.001,
            max=0.5,
            metavar="RISK",
            help="Abstain so that this share is ruled on and wrong.",
        ),
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Weigh every level alike, however rare.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help=f"Of fine-tuning (hf), at most (default: {EPOCHS})."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted fine-tuning (hf).")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Train a scorer on labelled answers: one head for each dimension."""
    from liangxin.errors import UsageError
    from liangxin.scorer.ngram import Fitting
    from liangxin.scorer.rows import parse_heads
    from liangxin.scorer.train import Plan

    if (labels is None) == (not runs):
        raise UsageError("name the labels: --labels FILE, or --from RUN for people's verdicts in the store")
    folder = Path(output)
    rows, specs, data = _labels(labels, runs or [], store, parse_heads(heads) if heads else None)
    plan = Plan(
        name=folder.name or "scorer",
        by=by.value,
        seed=seed,
        abstain=abstain,
        fitting=Fitting(balanced=balanced),
        base=_base(base, backbone, rows),
        data=data,
    )
    _train(rows, specs, backbone, plan, folder, FineTuning(epochs=epochs, resume=resume))


def _base(name: str, backbone: str, rows: list[Labelled]) -> BaseScorer | None:
    """What to train on top of: only n-grams can, and the default reads Chinese alone."""
    from liangxin.judges.scorer import scorer_folder
    from liangxin.judges.scoring.loading import load_scorer
    from liangxin.scorer.on_base import base_of
    from liangxin.scorer.train import mostly_chinese

    if name == "none" or backbone != "ngram":
        return None
    scorer = load_scorer(scorer_folder(name))
    if scorer.settings.chinese and not mostly_chinese(rows):
        tell(
            f"the labelled answers are not in Chinese, scorer {scorer.settings.name} is: trained from nothing"
        )
        return None
    return base_of(scorer)


def _labels(
    file: str | None, runs: list[str], store: str | None, heads: tuple[HeadSpec, ...] | None
) -> tuple[list[Labelled], tuple[HeadSpec, ...], dict[str, str]]:
    """Rows and heads from a file, or from people's verdicts in the store, and what they came from."""
    from liangxin.analysis.learning import labels_of
    from liangxin.cli.opening import open_store
    from liangxin.errors import UsageError
    from liangxin.files import file_digest
    from liangxin.scorer.rows import read_labels
    from liangxin.store import Runs

    if file is not None:
        rows, specs = read_labels(file, heads)
        return rows, specs, {"file": Path(file).name, "sha256": file_digest(file)}
    if heads is not None:
        raise UsageError("--heads is for a label file; runs bring their benchmark's scales along")
    database = open_store(store)
    try:
        rows, specs = labels_of(database, runs)
        data = ", ".join(f"run {Runs(database).find(name).id}" for name in runs)
    finally:
        database.close()
    return rows, specs, {"runs": data}


def _train(
    rows: list[Labelled],
    specs: tuple[HeadSpec, ...],
    backbone: str,
    plan: Plan,
    folder: Path,
    tuned: FineTuning,
) -> None:
    from liangxin.cli.work.scorer_figures import put_figures
    from liangxin.errors import UsageError
    from liangxin.scorer import train as training
    from liangxin.scorer.card import card

    kind, _, path = backbone.partition(":")
    if kind not in ("ngram", "hf") or (kind == "hf") != bool(path):
        raise UsageError(f"--backbone {backbone!r}: found {kind!r}; write ngram or hf:PATH")
    if kind != "hf" and tuned.asked:
        raise UsageError(
            "--epochs and --resume are for fine-tuning: leave them out, or name --backbone hf:PATH"
        )
    if kind == "hf":
        from liangxin.scorer.hf import Tuning, train_hf

        tuning = Tuning(path=path, epochs=tuned.epochs or EPOCHS, resume=tuned.resume, progress=tell)
        trained = train_hf(rows, specs, plan, tuning, folder)
    else:
        trained = training.train(rows, specs, plan)
        training.write_scorer(folder, trained, card)
    for notice in trained.notices:
        tell(notice)
    for near in trained.split.near:
        tell(
            f"near-duplicates kept on one side ({near.what}, overlap {near.overlap:.2f}): "
            f"{trained.rows[near.first].place} ~ {trained.rows[near.second].place}"
        )
    put_figures(trained.figures)
    tell(f"written to {folder}; use it as --judge scorer:{folder}")


@stated
def evaluate(
    scorer: ScorerArgument = "default",
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Labels it never saw (default: the held-out graded answers, and the hand-written pairs).",
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN", help="People's labels on a stored run: may the scorer be used there?"
        ),
    ] = None,
    store: StoreOption = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Measure a scorer on labels: by head and by source, with intervals, never pooled."""
    if run is not None and labels is not None:
        from liangxin.errors import UsageError

        raise UsageError("name one set of labels: --labels FILE, or --run RUN for those on a stored run")
    if run is not None:
        from liangxin.cli.work.evaluate_on_run import evaluate_on_run

        evaluate_on_run(scorer, run, store, output)
        return
    from liangxin.cli.work.scorer_figures import put_figures, put_ranking
    from liangxin.judges.scorer import scorer_folder
    from liangxin.judges.scoring.loading import load_scorer
    from liangxin.scorer.evaluate import evaluate as measured
    from liangxin.scorer.evaluate import evaluation_values
    from liangxin.scorer.evaluation_pairs import PAIRS
    from liangxin.scorer.graded_figures import held_out_figures, ranking_values

    opened = load_scorer(scorer_folder(scorer))
    graded = held_out_figures(opened) if labels is None else None
    found = measured(opened, labels or str(PAIRS))
    for notice in found.notices:
        tell(notice)
    if output is OutputFormat.JSON:
        values = {"scorer": scorer, "labels": labels or PAIRS.name, **evaluation_values(found)}
        say_json(values if graded is None else {**values, "held_out": ranking_values(graded[0])})
        return
    if graded is not None:
        if graded[1]:
            tell(f"{graded[1]} held-out answers to public prompts are left out: LIANGXIN_DATA is not set")
        put_ranking(graded[0])
        put_figures(graded[0].figures)
    put_figures(found.figures)
    for reason, count in found.abstained.items():
        put(f"abstained on {count}: {in_language(reason)}")
    for name, (abstained, ruled, wrong) in found.withheld.items():
        put(f"head {name}: abstains on {abstained}, rules on {ruled}, of these {wrong} wrong")


@stated
def show(scorer: ScorerArgument = "default") -> None:
    """A scorer's card: data, splits, figures, limits, licence."""
    from liangxin.errors import JudgeError
    from liangxin.judges.scorer import scorer_folder
    from liangxin.judges.scoring.files import CARD, read_settings, weights_digest

    folder = scorer_folder(scorer)
    settings = read_settings(folder)
    put(f"{folder}: {settings.backbone}, weights sha256 {weights_digest(folder)}\n")
    try:
        say((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise JudgeError(
            f"{folder}: the scorer has no card ({CARD}); treat its verdicts as unmeasured"
        ) from None


def build() -> typer.Typer:
    """The sub-application."""
    app = typer.Typer(
        cls=SpokenGroup, no_args_is_help=True, rich_markup_mode=None, help="Light judges trained on labels."
    )
    for command in (train, evaluate, show):
        app.command(cls=SpokenCommand)(command)
    return app
