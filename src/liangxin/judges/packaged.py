"""A judge of an installed package: its own, with the package in its identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from liangxin.correction.known_prompts import KnownPrompts
from liangxin.judges.base import Judge, MeasuredJudge, ModelJudge
from liangxin.judges.identity import digest
from liangxin.records import Case, Scale, Verdict

if TYPE_CHECKING:
    from liangxin.correction.sources import JudgeSource


class PackagedJudge(Judge):
    """Hands everything on; two packages whose judges call themselves the same are two judges."""

    def __init__(self, judge: Judge, package: Mapping[str, str]) -> None:
        """Take over a judge.

        Args:
            package: the package's name and the kind's own version.
        """
        self._judge = judge
        self._package = dict(package)
        spec = judge.identity.rpartition("@")[0] or judge.identity
        self.identity = f"{spec}@{digest([judge.identity, self._package])}"
        self.subject: Literal["primary", "refusal", "safety"] = judge.subject
        self.annotator = judge.annotator
        self.batch = judge.batch
        self.asked = judge.asked if isinstance(judge, ModelJudge) else ()
        self.connections = judge.connections

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The judge's."""
        return self._judge.scale_for(category)

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """The judge's verdicts."""
        return await self._judge.rule(cases)

    def manifest(self) -> Mapping[str, object]:
        """The judge's, and the package."""
        return {**self._judge.manifest(), "package": self._package}

    def sources(self, scale: str) -> Sequence[JudgeSource]:
        """The judge's, where it tells any."""
        return self._judge.sources(scale) if isinstance(self._judge, MeasuredJudge) else ()

    def trained_on(self) -> KnownPrompts:
        """The judge's, where it tells any."""
        return self._judge.trained_on() if isinstance(self._judge, MeasuredJudge) else KnownPrompts()

    def notices(self) -> Sequence[str]:
        """The judge's."""
        return self._judge.notices()

    async def aclose(self) -> None:
        """Release the judge."""
        await self._judge.aclose()
