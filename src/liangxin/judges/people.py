"""`people:PROJECT`: the verdicts that people give on the site, which enters them in the run as they are given.

This judge asks nobody: it stands for what the store holds, so that a run's scores can be counted from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from liangxin.errors import JudgeError
from liangxin.judges.base import JudgeContext
from liangxin.records import Case, Scale, Verdict
from liangxin.specs import scale_of

if TYPE_CHECKING:
    from liangxin.store import JudgeRecord


class PeopleJudge:
    """A project's verdicts on one run."""

    batch = 512
    connections = 1
    annotator = ""

    def __init__(self, record: JudgeRecord, context: JudgeContext) -> None:
        self.identity = record.identity
        self.subject = record.subject
        self._manifest = record.manifest
        self._benchmark = context.benchmark

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The project's scale for the category."""
        return scale_of(self.subject, self._benchmark, category)

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """None for each: people have ruled, or have not yet."""
        return [None for _ in cases]

    def manifest(self) -> Mapping[str, object]:
        """As it was entered when the project was made."""
        return self._manifest

    def notices(self) -> Sequence[str]:
        """Nothing to tell."""
        return ()

    async def aclose(self) -> None:
        """Nothing to release."""


def open_people(name: str, context: JudgeContext) -> Sequence[PeopleJudge]:
    """The project's judge of this run.

    Raises:
        JudgeError: no project is named, or none of that name holds answers of this run.
    """
    if not name:
        raise JudgeError("judge 'people' lacks its project: write people:PROJECT")
    spec = f"people:{name}"
    found = [record for record in context.entered if record.spec == spec]
    if not found:
        raise JudgeError(
            f"no project {name!r} holds answers of this run on a scale of its benchmark; "
            "make one from the run at the site: `liangxin serve`"
        )
    return [PeopleJudge(record, context) for record in found]
