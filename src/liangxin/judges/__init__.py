"""Judges: SPEC is KIND or KIND:NAME, and each kind is imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liangxin.judges.base import Judge, JudgeContext
from liangxin.registry import Registry

__all__ = ["JUDGES", "Judge", "JudgeContext", "open_judges"]

JUDGES: Registry[Callable[[str, JudgeContext], Sequence[Judge]]] = Registry(
    "judge",
    {
        "choice": "liangxin.judges.choice:open_choice",
        "rule": "liangxin.judges.rule:open_rule",
        "scorer": "liangxin.judges.scorer:open_scorer",
        "llm": "liangxin.judges.llm:open_llm",
        "labels": "liangxin.judges.labels:open_labels",
        "jury": "liangxin.judges.jury:open_jury",
        "people": "liangxin.judges.people:open_people",
    },
    see="liangxin judges",
)


def open_judges(spec: str, context: JudgeContext) -> Sequence[Judge]:
    """Open the judge that `spec` names: one for each scale it rules on and, for labels, each annotator.

    Raises:
        UnknownName: no such kind.
        JudgeError, DataError, UsageError: it cannot be used on this benchmark or run.
    """
    kind, _, name = spec.partition(":")
    return JUDGES.get(kind)(name, context)
