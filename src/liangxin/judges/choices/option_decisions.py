"""Reading which of several options a text decides for, from a text whose labels are tokens.

Three strengths; the strongest that is present counts:

- `line`: an answer line (答案：C, 【答案】C, a box), which outranks what stands before it;
- `chosen`: an act of choosing (我选C, 所以答案是C, the label alone);
- `said`: an option is said to be what the question asks for: right, or wrong where it asks for the wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from liangxin.judges.choices.decisions import CONCESSION, CONDITION

FIRST = 0xE010
"""The token of the first label; the others follow it."""
T = "[\ue010-\ue019]"
MENTION = re.compile(T)


class OptionStrength(IntEnum):
    """How strongly a passage decides."""

    SAID = 1
    CHOSEN = 2
    LINE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPassage:
    """One passage that decides: for one option, or (an answer line) for several."""

    tokens: tuple[str, ...]
    strength: OptionStrength
    text: str
    start: int
    end: int
    """Where it stands in the text."""


JOIN = r"\s?(?:[,/、&]|和|或者?是?|与|及|以及|还是|跟|\band\b|\bor\b)\s?"
_LIST = rf"{T}(?:(?:选项|项)?{JOIN}(?:选项)?{T}){{0,9}}"
_OR = r"\s?(?:[/&]|和|或者?是?|与|及|以及|还是|跟|\band\b|\bor\b)\s?"
_CHOSEN_LIST = rf"{T}(?:(?:选项|项)?{JOIN}(?:选项)?{T}(?!(?:选项|项)?(?:是|的|错|不|没|有误|正确|对|太|则|虽|也|显|明显|违|符|有|无|会|描述|说法|中))){{0,9}}"
"""As `_LIST`; in 选C，A选项错误 the second begins what is said of it."""
_NAMED = r"(?:选项|答案|option|choice|第|[\s:(])"
_NOT = re.compile(
    rf"(?:不(?!如|是?很?难)|(?<![特分区个类差])别|勿|没有?|未|无法|难以|拒绝|避免|反对|排除|并非|而非|(?<![a-z])(?:not|never|cannot|rather than|instead of)|n't)"
    rf"[^\ue010-\ue019,.\n]{{0,6}}?{_LIST}"
)
_CHOOSE = (
    r"(?:(?<![候备筛可])选择?|选定|选取|挑选?|推荐|倾向于?|偏向于?|支持|认为(?:应该?)?是|而是|应该?(?:是|为)|应当|应该|只剩下?"
    r"|(?<![a-z])(?:choose|chose|select|pick|prefer|recommend|go with|going with|opt for|vote for))"
)
_DENIED = (
    r"(?!(?:选项|项)?(?:都|也|就|显然|明显|其实|是|绝对|肯定|的(?:说法|做法|人)?){0,3}(?:错|不|有误|的人))"
)
_CHOSEN = re.compile(rf"{_CHOOSE}(?:了|的是|是|为|:|{_NAMED}){{0,4}}(?P<list>{_CHOSEN_LIST}){_DENIED}")
_LABEL_WORDS = (
    r"(?:答案|结论|判断|选择|选项|标号|结果|首选|回答|(?<![回解问])答|(?<![a-z])(?:answer|choice|verdict|decision))"
    r"(?:应该|应当|应|就|最终|当然|显然|\s){0,2}(?:(?:是|为|选|:|=|->|is\b|would be\b)|(?<=答案)\s?(?=.\s*$))"
    rf"(?:是|为|选择?|:|the\b|{_NAMED}){{0,4}}(?P<list>{_CHOSEN_LIST})(?!(?:选项|项)?{_OR}{T})"
)
_LABELLED = re.compile(rf"(?<!不正确的)(?<!错误的){_LABEL_WORDS}")
_LABELLED_WRONG = re.compile(rf"(?<!正确的)(?<!对的)(?<!合适的)(?<!合理的){_LABEL_WORDS}")
_LEAD_IN = (
    r"(?:因此|所以|综上所述|综上|综合(?:来看|考虑)?|总之|最终|最后|故|因而|于是|好的|好|嗯|那么|我个人|我|认为|觉得|会|将|应该|应当|应|当然|还是|就是|是|为|选择?|选项"
    r"|答案|正确|答|结论|结果|判断|回答|option|choice|the|answer|is|my|final|so|therefore|thus|[,:\s\-=>(])"
)
LEAD_IN = rf"{_LEAD_IN}{{0,10}}"
_BARE = re.compile(rf"{LEAD_IN}(?P<t>{T})(?:[)\s,:]*(?:选项|项|号|吧)?[)\s,:!]*)")
_HEAD = re.compile(rf"\s*(?:首先|其次|再次|最后|而|至于|对于|选项|\s)*{T}(?:选项|项|\s)*(?:中|里)?:?")
_OPENING = re.compile(
    rf"[\s(]*(?P<t>{T})[)]?(?:选项|项)?[,:.]?\s?(?:因为|理由|原因|由于|解析|because\b|as\b|since\b)"
)
_HEADING = (
    r"(?:(?:因此|所以|综上所述|综上|故|therefore|so|thus)[,:\s]*)?(?:本题|我|最终|最后|正确|参考|标准|选择题)?的?(?:the |my )?(?:final |correct )?"
    r"(?:答案|answer)\s?(?:应该|应当|应|就|\s){0,2}(?:是|为|is)?\s?:\s*"
)
_LINE = re.compile(
    rf"(?:^|\n)[ \t]*{_HEADING}(?:是|为|选择?|:|the\b|{_NAMED}){{0,4}}"
    rf"(?P<list>{T}(?:\s{T}){{1,9}}(?=[)\s]*(?:$|[.\n]))|{T}{{2,10}}|{_CHOSEN_LIST}(?!(?:选项|项)?{_OR}{T})){_DENIED}"
)
_LISTED_OPTION = re.compile(rf"(?<=[\s:])({T})[.):]")
_ANSWER_HEADING = re.compile(r"(?:^|\n)[^\n\ue010-\ue019,.;]{0,6}(?:答案|(?<![a-z])answer)\s?:\s*")

# What is said of an option ----------------------------------------------------------------------------

_IS = (
    r"(?:\)|选项|项|的|说法|叙述|表述|描述|观点|推测|判断|做法|内容|是|最|更|才|也|都|显然|就|应该|应当|为|比较|较|一个|相对|无疑|当然|确实|\s|:"
    r"|the\b|is\b|seems\b|most\b){0,6}"
)
_ASKED_FOR = r"(?:符合|合乎|满足)(?:题意|题目|题干|本题)"
_RIGHT = (
    r"(?:正确|对的?(?=[,.!;\n]|$)|合适|恰当|合理|佳|好(?=[,.!;\n的]|$)|稳妥|妥当|可取|优(?=[,.!;\n]|$)|首选|无误|没有(?:语病|错误|问题)"
    rf"|最(?:能|符合|可能)|更(?:能|符合)|{_ASKED_FOR}|(?:correct|best|right|better|appropriate)\b)"
)
_BEST = (
    r"(?<!不)(?:正确|合适|恰当|合理|妥当|稳妥|可取|最好|最佳|最优|更好|没有(?:语病|错误)|best|correct|right)"
)
_GENERAL = r"错误?|不(?:太|够|完全)?(?:正确|对|恰当|合理|合适|成立|准确|妥当?|当|科学|严谨)|有误|有语病"
_WRONG = rf"(?:{_GENERAL}|(?:incorrect|wrong|false|inappropriate|not (?:correct|true|right|appropriate))\b)"


@lru_cache(maxsize=64)
def _speaking(wanted: str | None) -> tuple[re.Pattern[str], ...]:
    """The patterns of what is said of an option, by what the question asks for."""
    if wanted is None:
        said, best = _RIGHT, _BEST
    else:
        general = re.fullmatch(_GENERAL, wanted) or not re.search(r"[\u4e00-\u9fff]", wanted)
        best = _WRONG if general else re.escape(wanted)
        said = rf"(?:{best}|{_ASKED_FOR})"
    return (
        re.compile(
            rf"{best}[^\ue010-\ue019.,\n不错]{{0,8}}?(?:是|为|:|\bis\b){_NAMED}{{0,3}}(?P<list>{_LIST})(?!{JOIN})"
        ),
        re.compile(rf"(?<!{T})(?P<list>{_LIST}){_IS}{said}"),
    )


def option_passages(text: str, wanted: str | None = None) -> Iterator[OptionPassage]:
    """Every passage that decides for an option.

    Args:
        wanted: the word with which the question asks for the wrong option; None: it asks for the right one.
    """
    kept = "".join(_considered(text))
    for found in _LINE.finditer(kept):
        tokens = tuple(dict.fromkeys(MENTION.findall(found["list"])))
        # A. 一 B. 二 C. 三: the options repeated are no choice of the first.
        repeated = set(_LISTED_OPTION.findall(kept[found.start() :].lstrip().partition("\n")[0]))
        yield _passage(tuple(sorted(repeated)) if len(repeated) > 2 else tokens, OptionStrength.LINE, found)
    if wanted is not None:
        # Before what is denied is taken away: 不正确的是B.
        yield from _said(kept, wanted)
    kept = _NOT.sub(lambda found: " " * len(found.group()), kept)
    if wanted is None:
        yield from _said(kept, wanted)
    yield from _chosen(kept, _LABELLED if wanted is None else _LABELLED_WRONG)


def _passage(
    tokens: tuple[str, ...], strength: OptionStrength, found: re.Match[str], at: int = 0
) -> OptionPassage:
    return OptionPassage(
        tokens=tokens,
        strength=strength,
        text=found.group().strip(),
        start=at + found.start(),
        end=at + found.end(),
    )


def _pieces(text: str) -> Iterator[re.Match[str]]:
    return (found for found in re.finditer(r"[^.!;\n]+", text) if found.group().strip())


def _said(text: str, wanted: str | None) -> Iterator[OptionPassage]:
    for piece in _pieces(text):
        for pattern in _speaking(wanted):
            for found in pattern.finditer(piece.group()):
                for token in MENTION.findall(found["list"]):
                    yield _passage((token,), OptionStrength.SAID, found, piece.start())


def _chosen(text: str, labelled: re.Pattern[str]) -> Iterator[OptionPassage]:
    pieces = list(_pieces(text))
    bare = {n: found for n, piece in enumerate(pieces) if (found := _BARE.fullmatch(piece.group().strip()))}
    # Several options alone, one a line, are the list repeated.
    if len({found["t"] for found in bare.values()}) == 1:
        for n, found in bare.items():
            if n in (0, len(pieces) - 1) or len(pieces[n].group().strip()) > 2:
                yield _passage((found["t"],), OptionStrength.CHOSEN, found, pieces[n].start())
    if opening := _OPENING.match(text):
        yield _passage((opening["t"],), OptionStrength.CHOSEN, opening)
    for piece in pieces:
        for pattern in (_CHOSEN, labelled):
            for found in pattern.finditer(piece.group()):
                for token in MENTION.findall(found["list"]):
                    yield _passage((token,), OptionStrength.CHOSEN, found, piece.start())


def _considered(text: str) -> Iterator[str]:
    """The text without questions, concessions and what hangs on a condition."""
    for found in re.finditer(r"[^.?!;\n]*(?:[.?!;\n]+|$)", text):
        piece = found.group()
        body = piece.rstrip(".?!;\n ")
        if "?" in piece[len(body) :]:
            yield "\n"
            continue
        kept: list[str] = []
        hanging = False
        for clause in body.split(","):
            if CONDITION.match(clause):
                # 如果一定要选，我选A: what follows is a choice all the same.
                hanging = not re.search(
                    r"(?:非要?|一定要?|必须要?|只能|硬要?|要我|让我|需要).{0,6}?(?:选|挑|回答)", clause
                )
                continue
            hanging = hanging and not re.match(r"\s*(?:但|然而|否则|however|but\b)", clause)
            if not hanging and not CONCESSION.match(clause):
                kept.append(clause)
        said = ",".join(kept)
        # D选项，若……: what is left of it is a heading, no choice.
        if len(kept) == 1 and _HEAD.fullmatch(said) and "," in body:
            said = ""
        yield said + ("\n" if "\n" in piece else ".")


def unlettered_answer(text: str) -> str | None:
    """What stands behind the last answer heading, where no option is named from there on; else None."""
    headings = list(_ANSWER_HEADING.finditer(text))
    if not headings:
        return None
    rest = text[headings[-1].end() :].strip()
    return rest if rest and not MENTION.search(rest) else None
