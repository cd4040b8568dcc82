"""A judge as an opener alone: `brevity:N` finds an answer of at most N characters kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liangxin.errors import JudgeError
from liangxin.judges import Judge, JudgeContext
from liangxin.judges.identity import canonical, identity
from liangxin.records import Case, Scale, Verdict
from liangxin.specs import Benchmark


class Brevity(Judge):
    """Counts characters."""

    subject = "primary"
    annotator = ""
    batch, connections = 16, 1

    def __init__(self, most: int, benchmark: Benchmark) -> None:
        self._most, self._benchmark = most, benchmark
        self.identity = identity(f"brevity:{most}", self.manifest())

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The benchmark's."""
        return self._benchmark.scale_for(category)

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """The best level for a short answer, else the worst."""
        names = [[level.name for level in case.scale.levels] for case in cases]
        return [
            Verdict(level=levels[-1] if len(case.answer) <= self._most else levels[0])
            for case, levels in zip(cases, names, strict=True)
        ]

    def manifest(self) -> Mapping[str, object]:
        """The number and the scales."""
        return {"most": self._most, "scales": canonical(self._benchmark.scales)}

    def notices(self) -> Sequence[str]:
        """Nothing to tell."""
        return ()

    async def aclose(self) -> None:
        """Nothing to release."""


def open_brevity(name: str, context: JudgeContext) -> Sequence[Judge]:
    """What `brevity:N` opens.

    Raises:
        JudgeError: N is no number.
    """
    if not name.isdecimal():
        raise JudgeError(f"judge 'brevity' lacks its number: write brevity:N, found {name!r}")
    return [Brevity(int(name), context.benchmark)]
