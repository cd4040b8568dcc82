"""The kinds of judge: how each is opened, what it is, and what `liangxin judges` says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from liangxin.judges.base import Judge, JudgeContext
from liangxin.specs import SpecHelp
from liangxin.traits import JudgeTraits

OpensJudge = Callable[[str, JudgeContext], Sequence[Judge]]
"""Opens the judge of a name: one for each scale that it rules on. Raises JudgeError where it cannot be used."""

NO_JUDGE = "none"
"""The SPEC that names no judge."""
NO_JUDGE_HELP = SpecHelp(spec=NO_JUDGE, zh="只提问不评审", en="ask and store only")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeKind:
    """A kind of judge, KIND in the SPEC `KIND` or `KIND:NAME`."""

    name: str
    open: OpensJudge | str
    """The opener, or where it stands (`package.module:function`), to be imported on first use."""
    help: tuple[SpecHelp, ...] = ()
    """What the list of kinds says of it, a line each."""
    traits: JudgeTraits = JudgeTraits()
    """What holds for every judge of the kind; `judge_traits` adds what its NAME says."""
    asks_model: bool = False
    """Whether its NAME is the SPEC of a model that it asks."""
    of_judges: bool = False
    """Whether its NAME is the SPECs of several judges, with commas between."""
    can_chat: bool = True
    """Whether it can rule on an exchange of a chat, outside any run."""
    version: str = ""
    """Its own, for a package's kind: another version is another judge."""


CHOICE = JudgeKind(
    name="choice",
    open="liangxin.judges.choices.choice:open_choice",
    traits=JudgeTraits(exact=True),
    can_chat=False,
    help=(
        SpecHelp(
            spec="choice",
            zh="选择题解析",
            en="reads the decision of a choice answer (default for cvalues-choice)",
        ),
    ),
)
SCORER = JudgeKind(
    name="scorer",
    open="liangxin.judges.scorer:open_scorer",
    help=(
        SpecHelp(
            spec="scorer[:NAME|PATH]",
            zh="轻量评分器",
            en="a light model trained on labels (liangxin scorer); the one in the package is a default, beside rule",
        ),
    ),
)
RULE = JudgeKind(
    name="rule",
    open="liangxin.judges.rule:open_rule",
    help=(
        SpecHelp(
            spec="rule",
            zh="中文拒答规则与小模型",
            en="refusal and safe redirection by Chinese rules and a small head (default for open questions, beside scorer)",
        ),
    ),
)
LLM = JudgeKind(
    name="llm",
    open="liangxin.judges.llm:open_llm",
    asks_model=True,
    help=(
        SpecHelp(
            spec="llm:MODELSPEC",
            zh="大模型评审",
            en="an LLM with the benchmark's rubric, temperature 0; --judge-base-url for its endpoint",
        ),
    ),
)
JURY = JudgeKind(
    name="jury",
    open="liangxin.judges.jury:open_jury",
    of_judges=True,
    help=(
        SpecHelp(
            spec="jury:A,B,C",
            zh="合议",
            en="several judges, SPECs with commas between (no comma within one): majority or median, ties declared",
        ),
    ),
)
LABELS = JudgeKind(
    name="labels",
    open="liangxin.judges.labels:open_labels",
    traits=JudgeTraits(people=True, from_labels=True, needs_items=True, reads_file=True),
    can_chat=False,
    help=(
        SpecHelp(
            spec="labels:FILE", zh="人工标注", en="people's labels, bound to the answers they were given for"
        ),
    ),
)
PEOPLE = JudgeKind(
    name="people",
    open="liangxin.judges.people:open_people",
    traits=JudgeTraits(people=True),
    can_chat=False,
    help=(
        SpecHelp(
            spec="people:PROJECT",
            zh="人工标注项目",
            en="what people said in a project of the site (`liangxin serve`), adjudicated where they differed",
        ),
    ),
)
