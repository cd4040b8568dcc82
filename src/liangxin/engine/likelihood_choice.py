"""Whether a choice can be made by likelihood, said before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence

from liangxin.errors import UsageError
from liangxin.models import ChatModel, Likelihoods
from liangxin.specs import CHOOSE_BY, Benchmark, RunSpec

LABELS = "gguf[:PATH] and hf:PATH"
TEXTS = "hf:PATH"
"""The models that weigh labels, and those that weigh whole texts."""


def check_benchmarks(spec: RunSpec, benchmarks: Sequence[Benchmark]) -> None:
    """See that every benchmark offers a choice, where one is to be made by likelihood.

    Raises:
        UsageError: one asks open questions.
    """
    if spec.choose_by == CHOOSE_BY:
        return
    for benchmark in benchmarks:
        if benchmark.kind != "choice":
            raise UsageError(
                f"--choose-by {spec.choose_by} compares the options of choice items; {benchmark.name} asks open "
                "questions: leave it out, or name choice benchmarks such as cvalues-choice"
            )


def weigher(spec: RunSpec, model: ChatModel) -> Likelihoods | None:
    """The model as what weighs the options; None where it writes its answers.

    Raises:
        UsageError: it gives no likelihoods, or only those of labels and texts are asked for.
    """
    if spec.choose_by == CHOOSE_BY:
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
