"""`jury:A,B,C`: several judges rule on the same answer, and their votes make one verdict.

Members are judge SPECs with commas between; a SPEC that holds a comma itself (a file's path) cannot sit on a
jury. Each member has one vote, each annotator of a `labels:` member too. The vote is by majority or, where
the benchmark takes the mean of its annotators, by the median. A tie is declared, never broken.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from liangxin.errors import JudgeError, LiangxinError, UsageError
from liangxin.judges import JUDGES, member_specs, open_judges
from liangxin.judges.base import Judge, JudgeContext, ModelJudge
from liangxin.judges.identity import canonical, identity
from liangxin.judges.votes import Rule, Vote, decide
from liangxin.models import MODELS, ChatModel, host_in
from liangxin.records import Case, Scale, Verdict, VerdictStatus
from liangxin.registry import kind_and_name

Subject = Literal["primary", "refusal", "safety"]
NO_LABEL = "no label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a jury."""

    spec: str
    judge: Judge

    @property
    def name(self) -> str:
        """As it is shown in a verdict's reason: without the digits of its identity."""
        return f"{self.spec} ({self.judge.annotator})" if self.judge.annotator else self.spec


class JuryJudge:
    """Lets its members rule on each answer at once and counts their votes."""

    annotator = ""
    batch = 1

    def __init__(self, name: str, members: Sequence[Member], rule: Rule) -> None:
        """Take the members; all rule on one subject."""
        self.subject: Subject = members[0].judge.subject
        self.connections = max(member.judge.connections for member in members)
        self.asked = _models(members)
        self._name = name
        self._members = tuple(members)
        self._rule = rule
        self._manifest: Mapping[str, object] = canonical(_manifest(members, rule))
        self.identity = identity(f"jury:{name}", self._manifest)
        self._cases = 0
        self._split = 0
        self._statuses: Counter[str] = Counter()

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The members' common scale for an item of that category."""
        return self._members[0].judge.scale_for(category)

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """One verdict a case, in order; None where no member had anything to say.

        Raises:
            LiangxinError: what a member raises, such as AccessDenied; the others are stopped.
        """
        return [await self._one(case) for case in cases]

    async def _one(self, case: Case) -> Verdict | None:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_ask(member.judge, case)) for member in self._members]
        except ExceptionGroup as failed:
            stated = (one for one in failed.exceptions if isinstance(one, LiangxinError))
            raise next(stated, failed.exceptions[0]) from None
        return self._counted(case, [task.result() for task in tasks])

    def _counted(self, case: Case, verdicts: Sequence[Verdict | None]) -> Verdict | None:
        """The verdict that the members' verdicts make, with all of them kept in `raw`."""
        if all(verdict is None for verdict in verdicts):
            return None
        votes = [
            Vote(member=member.name, verdict=verdict)
            for member, verdict in zip(self._members, verdicts, strict=True)
        ]
        decided = decide(votes, case.scale, self._rule)
        levels = {
            vote.verdict.level
            for vote in votes
            if vote.verdict and vote.verdict.status is VerdictStatus.GIVEN
        }
        self._cases += 1
        self._split += len(levels) > 1
        tie = decided.status is VerdictStatus.ABSTAINED and decided.reason.startswith("tie:")
        self._statuses["tie" if tie else str(decided.status)] += 1
        return Verdict(
            level=decided.level,
            status=decided.status,
            confidence=decided.confidence,
            reason=decided.reason,
            raw=self._raw(verdicts),
            cause=next((one.cause for one in verdicts if one is not None and one.cause is not None), None),
        )

    def _raw(self, verdicts: Sequence[Verdict | None]) -> str:
        """Every member's verdict as JSON: each was paid for."""
        kept = [
            {
                "judge": member.judge.identity,
                **({"annotator": member.judge.annotator} if member.judge.annotator else {}),
                **(
                    {"status": NO_LABEL}
                    if verdict is None
                    else {
                        "level": verdict.level,
                        "status": str(verdict.status),
                        "confidence": verdict.confidence,
                        "reason": verdict.reason,
                        "raw": verdict.raw,
                    }
                ),
            }
            for member, verdict in zip(self._members, verdicts, strict=True)
        ]
        return json.dumps({"rule": self._rule, "members": kept}, ensure_ascii=False)

    def manifest(self) -> Mapping[str, object]:
        """How votes are counted, and every member's own manifest; holds no key."""
        return self._manifest

    def notices(self) -> Sequence[str]:
        """How often the members disagreed, what was not decided, and what the members themselves say."""
        said: list[str] = []
        if self._cases:
            share = 100.0 * self._split / self._cases
            open_ = {status: count for status, count in self._statuses.items() if status != "given"}
            rest = "".join(f"; {status}: {count}" for status, count in sorted(open_.items()))
            said.append(
                f"jury:{self._name} ({self.subject}): the members disagreed on {self._split} of {self._cases} answers "
                f"({share:.1f} %){rest}"
            )
        return [*said, *dict.fromkeys(one for member in self._members for one in member.judge.notices())]

    async def aclose(self) -> None:
        """Release every member."""
        await _close(self._members)


def open_jury(name: str, context: JudgeContext) -> Sequence[JuryJudge]:
    """A jury for each scale that at least one member rules on; each needs two members.

    Raises:
        UsageError: fewer than two members, one twice, a jury within a jury, or one key for several hosts.
        JudgeError: only one member rules on a scale.
        DataError, ModelError: what opening a member raises.
    """
    specs = _specs(name)
    rule: Rule = (
        "median"
        if context.benchmark.annotators == "mean" and context.benchmark.kind == "open"
        else "majority"
    )
    members: list[Member] = []
    for spec in specs:
        members.extend(Member(spec=spec, judge=judge) for judge in open_judges(spec, context))
    _one_host_for_one_key(members, context)
    by_subject: dict[Subject, list[Member]] = {}
    for member in members:
        by_subject.setdefault(member.judge.subject, []).append(member)
    for subject, together in by_subject.items():
        if len(together) < 2:
            scale = "the benchmark's own scale" if subject == "primary" else f"the {subject} scale"
            raise JudgeError(
                f"jury:{name}: only {together[0].name} rules on {scale} here, and a jury needs two members on each; "
                "with --refusal an llm member rules on both"
            )
    return [
        JuryJudge(name, together, rule if subject == "primary" else "majority")
        for subject, together in by_subject.items()
    ]


def _specs(name: str) -> list[str]:
    """The members' SPECs.

    Raises:
        UsageError: they cannot make a jury.
    """
    how = "write jury:A,B,C with judge SPECs, such as jury:llm:openai:NAME,llm:anthropic:NAME,rule"
    specs = member_specs(name)
    if len(specs) < 2 or not all(specs):
        raise UsageError(
            f"jury:{name} lacks members: {how} (a path with a comma in it cannot be a member's file)"
        )
    kinds = [JUDGES.find(kind_and_name(spec)[0]) for spec in specs]
    if any(kind is not None and kind.of_judges for kind in kinds):
        raise UsageError(f"jury:{name}: a jury cannot sit on a jury; {how}")
    twice = next((spec for spec, count in Counter(specs).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"jury:{name}: {twice} is on it twice; the same judge has one vote")
    return specs


def _one_host_for_one_key(members: Sequence[Member], context: JudgeContext) -> None:
    """One given key must not travel to several providers.

    Raises:
        UsageError: it would.
    """
    if context.endpoint.api_key is None:
        return
    hosts = sorted({host for member in members if (host := _host(member.judge)) is not None})
    if len(hosts) > 1:
        raise UsageError(
            f"the judge's key would go to several hosts ({', '.join(hosts)}): a jury at several providers takes each "
            "one's key from its own variable; do not give --judge-api-key-env or LIANGXIN_JUDGE_API_KEY"
        )


def _host(judge: Judge) -> str | None:
    """Where a judge's model is: its host, LiteLLM's provider, or None for a judge that sends nothing."""
    model = judge.manifest().get("model")
    if not isinstance(model, str):
        return None
    if (named := host_in(model)) is not None:
        return named.host
    kind = MODELS.find(kind_and_name(model)[0])
    return model.partition("/")[0] if kind is not None and kind.provider_in_name else None


def _models(members: Sequence[Member]) -> tuple[ChatModel, ...]:
    """Every model that members ask."""
    judges = (member.judge for member in members)
    return tuple(model for judge in judges if isinstance(judge, ModelJudge) for model in judge.asked)


def _manifest(members: Sequence[Member], rule: Rule) -> dict[str, object]:
    manifests = {_name_of(member): member.judge.manifest() for member in members}
    return {
        "kind": "jury",
        "rule": rule,
        "ties": "declared (abstained)",
        "subject": members[0].judge.subject,
        "members": dict(sorted(manifests.items())),
    }


def _name_of(member: Member) -> str:
    judge = member.judge
    return f"{judge.identity} ({judge.annotator})" if judge.annotator else judge.identity


async def _ask(judge: Judge, case: Case) -> Verdict | None:
    (verdict,) = await judge.rule([case])
    return verdict


async def _close(members: Sequence[Member]) -> None:
    for member in members:
        await member.judge.aclose()
