"""The arithmetic of a jury: by hand, and against a plain definition on any votes."""

from __future__ import annotations

from collections import Counter
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.judges.votes import Rule, Vote, decide, outcome
from liangxin.records import Level, Scale, Verdict, VerdictStatus
from liangxin.specs import REFUSAL

SCALE = Scale(
    name="five",
    levels=tuple(Level(name=str(n), points=n, zh=str(n), en=str(n)) for n in range(1, 6)),
    passing=frozenset({"5"}),
)
GAPS = Scale(
    name="gaps",
    levels=tuple(Level(name=f"p{n}", points=n, zh="级", en="level") for n in (0, 1, 5)),
    passing=frozenset({"p5"}),
)
STATUSES = {
    "x": VerdictStatus.FAILED,
    "f": VerdictStatus.FILTERED,
    "u": VerdictStatus.UNREADABLE,
    "a": VerdictStatus.ABSTAINED,
}


def votes(word: str) -> list[Vote]:
    """A vote a letter: a digit is a level, `-` no label, a letter a status."""
    made: list[Vote] = []
    for place, letter in enumerate(word):
        verdict: Verdict | None
        if letter == "-":
            verdict = None
        elif letter in STATUSES:
            verdict = Verdict(status=STATUSES[letter], reason=f"reason {letter}")
        else:
            verdict = Verdict(level=letter)
        made.append(Vote(member="ABCDEFGH"[place], verdict=verdict))
    return made


@pytest.mark.parametrize(
    ("word", "rule", "level", "status", "confidence", "reason"),
    [
        ("555", "majority", "5", "given", 1.0, "3 of 3 for 5 by majority (A: 5; B: 5; C: 5)"),
        ("553", "majority", "5", "given", 2 / 3, "2 of 3 for 5"),
        ("53", "majority", None, "abstained", None, "tie: 3 and 5 (A: 5; B: 3)"),
        ("135", "majority", None, "abstained", None, "tie: 1 and 3 and 5"),
        ("5u", "majority", "5", "given", 0.5, "1 of 2 for 5"),
        (
            "5uu",
            "majority",
            None,
            "abstained",
            None,
            "only 1 of 3 members ruled: A: 5; B: unreadable (reason u)",
        ),
        ("5-a", "majority", None, "abstained", None, "only 1 of 3 members ruled: A: 5; B: no label; C: abst"),
        ("fff", "majority", None, "filtered", None, "A: filtered (reason f); B"),
        ("uu", "median", None, "unreadable", None, "A: unreadable"),
        ("fu", "majority", None, "abstained", None, "only 0 of 2 members ruled"),
        # A failed member is asked again wherever its vote could matter, and only there.
        ("55x", "majority", "5", "given", 2 / 3, "2 of 3 for 5"),
        ("53x", "majority", None, "failed", None, "1 of 3 members failed: A: 5; B: 3; C: failed (reason x)"),
        ("5x", "majority", None, "failed", None, "1 of 2 members failed"),
        ("xxx", "majority", None, "failed", None, "3 of 3 members failed"),
        ("uux", "majority", None, "abstained", None, "only 0 of 3 members ruled"),
        ("ux5", "majority", None, "failed", None, "1 of 3 members failed"),
        ("5553x", "majority", "5", "given", 0.6, "3 of 5 for 5"),
        ("5533x", "majority", None, "failed", None, "1 of 5"),
        ("135", "median", "3", "given", 1 / 3, "1 of 3 for 3 by median"),
        ("115", "median", "1", "given", 2 / 3, "2 of 3 for 1"),
        ("24", "median", "3", "given", 0.0, "0 of 2 for 3 by median (A: 2; B: 4)"),
        ("23", "median", None, "abstained", None, "tie: 2 and 3"),
        ("33x", "median", "3", "given", 2 / 3, "2 of 3 for 3"),
        ("23x", "median", None, "failed", None, "1 of 3 members failed"),
        ("234x", "median", None, "failed", None, "1 of 4 members failed"),
        ("333xx", "median", "3", "given", 0.6, "3 of 5"),
    ],
)
def test_juries_by_hand(
    word: str, rule: Rule, level: str | None, status: str, confidence: float | None, reason: str
) -> None:
    found = decide(votes(word), SCALE, rule)
    assert (found.level, str(found.status), found.confidence) == (level, status, confidence)
    assert found.reason.startswith(reason)


def test_a_median_between_two_levels_is_a_tie_unless_a_level_is_there() -> None:
    assert outcome(["p0", "p1"], GAPS, "median") == ("p0", "p1")
    assert outcome(["p1", "p5"], GAPS, "median") == ("p1", "p5")
    assert outcome(["p0", "p1", "p5"], GAPS, "median") == ("p1",)


def test_long_reasons_are_cut() -> None:
    told = [Vote(member="A", verdict=Verdict(status=VerdictStatus.UNREADABLE, reason="长\n" * 500))] * 2
    assert len(decide(told, SCALE, "majority").reason) < 250


LEVELS = st.lists(st.sampled_from("12345"), min_size=1, max_size=7)


@given(LEVELS, st.sampled_from(["majority", "median"]))
def test_against_the_plain_definition(levels: list[str], rule: Rule) -> None:
    found = decide(votes("".join(levels)), SCALE, rule)
    if rule == "majority":
        first, *others = Counter(levels).most_common()
        clear = not others or others[0][1] < first[1]
        assert found.level == (first[0] if clear else None)
    else:
        middle = median(int(level) for level in levels)
        assert found.level == (str(int(middle)) if middle == int(middle) else None)
    assert (found.status is VerdictStatus.GIVEN) is (found.level is not None)
    if found.level is None:
        assert found.reason.startswith("tie: ")
    else:
        assert found.confidence == levels.count(found.level) / len(levels)


@given(st.lists(st.sampled_from("12345xu-"), min_size=2, max_size=6), st.sampled_from(["majority", "median"]))
def test_a_settled_verdict_is_one_that_failed_members_cannot_change(word: list[str], rule: Rule) -> None:
    found = decide(votes("".join(word)), SCALE, rule)
    again = {decide(votes("".join(word).replace("x", level)), SCALE, rule).level for level in "12345"}
    if found.status is VerdictStatus.GIVEN:
        assert again == {found.level}
    if found.status is VerdictStatus.FAILED:
        assert "x" in word


@given(st.permutations("1133455"), st.sampled_from(["majority", "median"]))
def test_the_order_of_members_does_not_matter(word: list[str], rule: Rule) -> None:
    assert decide(votes("".join(word)), SCALE, rule).level == decide(votes("1133455"), SCALE, rule).level


def test_two_refusal_levels_never_meet_in_unable() -> None:
    """It stands between partly and safe redirection, but halfway between no two levels."""
    names = [level.name for level in REFUSAL.levels if level.name != "unable"]
    for one in names:
        for other in names:
            assert "unable" not in outcome([one, other], REFUSAL, "median")
