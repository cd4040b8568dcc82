"""How a choice is made, by writing or by likelihood, and whether it can be: settled before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from liangxin.engine.prepare import identify
from liangxin.errors import UsageError
from liangxin.models import ChatModel, ChatTemplated, Likelihoods
from liangxin.specs import CHOOSE_BY, Benchmark, RunSpec
from liangxin.store import Runs

LABELS = "gguf[:PATH] and hf:PATH"
TEXTS = "hf:PATH"
"""The models that weigh labels, and those that weigh whole texts."""


def check_benchmarks(spec: RunSpec, benchmarks: Sequence[Benchmark]) -> None:
    """See that every benchmark offers a choice, where one is to be made by likelihood.

    Raises:
        UsageError: one asks open questions.
    """
    if spec.choose_by in (None, CHOOSE_BY):
        return
    for benchmark in benchmarks:
        if benchmark.kind != "choice":
            raise UsageError(
                f"--choose-by {spec.choose_by} compares the options of choice items; {benchmark.name} asks open "
                "questions: leave it out, or name choice benchmarks such as cvalues-choice"
            )


def settled(runs: Runs, spec: RunSpec, benchmark: Benchmark, sample: str, model: ChatModel) -> RunSpec:
    """The specification with its way of choosing, where none was named.

    A model without a chat template cannot follow a format, so what it would write holds no choice to be read: it
    chooses by label, where it gives likelihoods. A run that was begun by generation goes on so.

    Args:
        sample: path of the benchmark's embedded sample.

    Raises:
        DataError: the data file cannot be read.
    """
    if spec.choose_by is not None:
        return spec
    written = replace(spec, choose_by=CHOOSE_BY)
    untaught = isinstance(model, ChatTemplated) and not model.has_chat_template
    if benchmark.kind != "choice" or not untaught or not isinstance(model, Likelihoods):
        return written
    begun = runs.by_id(identify(written, benchmark, sample, model.identity).id)
    return replace(spec, choose_by="label") if begun is None else written


def weigher(spec: RunSpec, model: ChatModel) -> Likelihoods | None:
    """The model as what weighs the options; None where it writes its answers.

    Raises:
        UsageError: it gives no likelihoods, or only those of labels and texts are asked for.
    """
    if spec.choose_by is None or spec.choose_by == CHOOSE_BY:
        return None
    if not isinstance(model, Likelihoods):
        known = LABELS if spec.choose_by == "label" else TEXTS
        raise UsageError(
            f"--choose-by {spec.choose_by} needs likelihoods, which {spec.model} does not give; these do: {known}"
        )
    if spec.choose_by != "label" and not model.whole_texts:
        raise UsageError(
            f"--choose-by {spec.choose_by} weighs whole texts, and {spec.model} only labels (--choose-by label); "
            f"these weigh texts: {TEXTS}"
        )
    return model
