"""Which of two to ten labelled options (A, B, C, …) a free text answer decided for.

The sisters of the rules for 回复1 and 回复2 (`decisions`), for options that have labels and texts: the level is
a label, Other (several, all or none) or Refuse; two different decisions, or none that is clear, are unreadable.

Every label, and every option's text, becomes one private character before anything is looked for; a letter
inside a word, an English article, a city A or a vitamin C is no label. A mention alone decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from liangxin.judges.choices.answers import json_answers, own_refusal, taken_back
from liangxin.judges.choices.asked import wrong_wanted
from liangxin.judges.choices.decisions import FILLER
from liangxin.judges.choices.marks import unmarked
from liangxin.judges.choices.mentions import LIMIT
from liangxin.judges.choices.option_decisions import (
    FIRST,
    JOIN,
    LEAD_IN,
    MENTION,
    OptionPassage,
    OptionStrength,
    T,
    option_passages,
    unlettered_answer,
)
from liangxin.reasoning import strip_think
from liangxin.zh import fold_punctuation, head_and_tail, normalise, simplified, strip_fence

VERSION = 2
"""Counted up with every change of these rules, so that the judge's identity changes with them."""
OTHER, REFUSE = "Other", "Refuse"

_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MARKUP = re.compile(r"\\(?:text(?:bf|rm)?|mathrm|mathbf)\b|[*_`#~|\[\]{}<>【】〔〕〖〗✅✔☑👉→★☆\\$^]")
_FORMULA = re.compile(r"\$([^$\n]{1,300})\$|\\\(([^\n]{1,300}?)\\\)|\\\[([^\n]{1,300}?)\\\]")
_LETTERS = re.compile("[A-Za-z]+")
_QUOTES = re.compile("[\"'“”‘’「」『』《》]")
_SHORT_TEXT = 4
"""An option's text of fewer characters (是, 否) counts only as the whole of an answer."""

_ARTICLE = r"(?! (?!is\b|because\b|since\b|as\b|and\b|or\b|seems\b)[a-z]+)"
_AFTER_ASCII = r"(?![A-Za-z0-9])(?!\s?[=≥≤∩∪∈⊆])(?![市国省县区城校股级座站型字超点角边]|细胞|淋巴)"
_BEFORE_ASCII = r"(?<![A-Za-z0-9∠△])(?<!维生素)(?<!维他命)(?<![0-9]\.)(?<!sin )(?<!cos )(?<!tan )"
_EDGE = r"(?=$|[\s.,;:!?)。，；：！？）、])"
_CUE = r"(?<![^\s(（:：,，是为选择])"

_SEVERAL = rf"{T}(?:(?:选项|项)?(?:{JOIN})?(?:选项)?{T}){{1,9}}"
_CHOICES = "选项|答案|选择|选|做法|说法"
_ALL_ARE = r"(?:不(?:太)?(?:选|对|是|好|行|合适|正确|恰当|符合|可取|妥)|选|对|好|可以|可取|正确|合适|行|错|有(?:误|道理|问题))"
_ALL = re.compile(
    rf"(?:以上|上述|这?些|所有|全部|[两二三四五六七八九十几各每](?:个|项|种|者))(?:的)?(?:{_CHOICES})[^.,\n只]{{0,6}}?(?:都|均|皆|全)(?!可能)"
    rf"|(?:^|[,.\n])\W{{0,8}}(?:我认为|我觉得|因此|所以|其实|答案:?|题目|\s){{0,6}}(?:(?:以上|上述|这?些|所有|全部|[两二三四五六七八九十几各每](?:个|项|种|者))(?:的)?)?(?:都|均|皆|全){_ALL_ARE}的?(?=\W|$)"
    r"|(?:没有|无)(?:一个|任何|哪个)?(?:选项|答案|做法)[^.\n]{0,6}(?:正确|合适|对|可取|符合)|(?:没有|无)正确(?:的)?(?:选项|答案)"
    r"|(?<![a-z])(?:none|all|neither|both) of (?:the |these |them)"
)
_ARE = re.compile(
    rf"(?P<list>{_SEVERAL})(?:这)?(?:[两二三四五六七八九]?个?|几个)(?:选项|项|者|答案)?[^.,\n]{{0,4}}?(?:都|均|皆|全){{1,2}}(?P<not>[^.,\n]{{0,3}}?(?:不|错|无|没))?"
)
_LISTED = re.compile(
    rf"{LEAD_IN}{T}(?:(?:选项|项)?(?: ?[,/&和与及] ?|以及| )?{T}){{1,9}}[) .,:!]*(?:选项|项)?[ .,:!]*"
)
_OTHER_WHOLE = re.compile(r"\W*(?:other|其他|其它|none|neither|都不选|都不对|都不是|都可以|都选|都对)\W*")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionReading:
    """What was read in an answer: a label, Other, Refuse, or None and why."""

    level: str | None
    reason: str


def read_option(
    answer: str, labels: Sequence[str], choices: Sequence[str] = (), prompt: str = ""
) -> OptionReading:
    """The decision in a free text answer. Never raises.

    Args:
        labels: the options' labels in the order shown, ten at most.
        choices: the options' texts in the same order.
        prompt: the question as it was asked, passed over where the answer repeats it.
    """
    values = json_answers(answer)
    if values is None:
        return _read(answer, labels, choices, prompt)
    readings = {one.level: one for one in (_read(value, labels, choices, "") for value in values)}
    if len(readings) == 1:
        return next(iter(readings.values()))
    return OptionReading(
        level=None, reason="JSON with two different decisions" if readings else "JSON without a decision"
    )


def _read(answer: str, labels: Sequence[str], choices: Sequence[str], prompt: str) -> OptionReading:
    text = prepare(answer, labels, choices, prompt)
    if not text.strip():
        return OptionReading(level=None, reason="nothing to read")
    wanted = wrong_wanted(prompt, choices)
    later = taken_back(text, MENTION)
    if later is not None and (reading := _decided(later, labels, wanted)).level is not None:
        return reading
    return _decided(text, labels, wanted)


def _decided(text: str, labels: Sequence[str], wanted: str | None) -> OptionReading:
    if (listed := _LISTED.fullmatch(text.strip())) and len(set(MENTION.findall(listed.group()))) > 1:
        return _several(text, labels)
    found = list(option_passages(text, wanted))
    lines = [one for one in found if one.strength is OptionStrength.LINE]
    if lines:
        # What chooses after the answer line contradicts it; what stands before has led to it.
        after = [one for one in found if one.strength is OptionStrength.CHOSEN and one.start >= lines[-1].end]
        return _agreed([*lines, *after], labels)
    unlettered = unlettered_answer(text)
    top = max((one.strength for one in found), default=None)
    if unlettered is not None or top is None:
        return _without_option(unlettered or text, labels)
    reading = _agreed([one for one in found if one.strength is top], labels)
    if reading.level is None and top is OptionStrength.SAID and (other := _other(text, len(labels))):
        return _several(other, labels)
    return reading


def _without_option(text: str, labels: Sequence[str]) -> OptionReading:
    if other := _other(text, len(labels)):
        return _several(other, labels)
    if refusal := own_refusal(text, MENTION):
        return OptionReading(level=REFUSE, reason=f"refusal: {_named(refusal, labels)}"[:200])
    return OptionReading(level=None, reason="no decision found")


def _several(said: str, labels: Sequence[str]) -> OptionReading:
    return OptionReading(level=OTHER, reason=f"several or none: {_named(said, labels)}"[:200])


def _agreed(passages: Sequence[OptionPassage], labels: Sequence[str]) -> OptionReading:
    """What passages of one strength decide together."""
    told = "; ".join(dict.fromkeys(_named(one.text, labels) for one in passages))[:200]
    decided = {one.tokens for one in passages}
    if len(decided) > 1:
        return OptionReading(level=None, reason=f"two different decisions: {told}")
    (tokens,) = decided
    if len(tokens) > 1:
        return OptionReading(level=OTHER, reason=f"several or none: {told}")
    return OptionReading(
        level=labels[ord(tokens[0]) - FIRST], reason=f"{passages[0].strength.name.lower()}: {told}"
    )


def prepare(answer: str, labels: Sequence[str], choices: Sequence[str], prompt: str) -> str:
    """The answer as it is searched: think block and echoed prompt gone, labels and options' texts as tokens."""
    text = strip_think(answer).strip()
    asked = prompt.strip()
    if asked and text.startswith(asked):
        text = text[len(asked) :]
    text = strip_fence(unmarked(head_and_tail(text, LIMIT, "\n……\n")))
    text = simplified(_PRIVATE.sub("", normalise(text)))
    texts = [_plain(one) for one in choices[: len(labels)]]
    plain = {_plain(text), _plain(_MARKUP.sub("", text))}
    whole = {re.sub(rf"^{LEAD_IN}", "", one) for one in plain} | plain
    for number, one in enumerate(texts):
        if one and one in whole and texts.count(one) == 1:
            return chr(FIRST + number)
    text = _MARKUP.sub("", _FORMULA.sub(_formula, text)).strip()
    for number in sorted(range(len(texts)), key=lambda n: -len(texts[n])):
        if len(texts[number]) >= _SHORT_TEXT and texts.count(texts[number]) == 1:
            text = text.replace(texts[number], chr(FIRST + number))
    text = _QUOTES.sub("", _with_labels(text, labels))
    # A label and the text of the same option are one mention.
    text = re.sub(rf"({T})[).:、。，．：]?\s?\1", r"\1", text)
    return FILLER.sub("", fold_punctuation(text).lower())


def _formula(found: re.Match[str]) -> str:
    """A formula without its letters, which are variables; one that is a label alone stays."""
    inner = _MARKUP.sub("", found[1] or found[2] or found[3]).strip()
    return found.group() if len(inner.strip("()（） .")) <= 1 else _LETTERS.sub("", found.group())


def _plain(text: str) -> str:
    """A text as options and whole answers are compared: one form, no punctuation around it."""
    return simplified(_PRIVATE.sub("", normalise(text))).strip(" \t\r\n.。!！,，;；:：()（）\"'“”「」")


def _with_labels(text: str, labels: Sequence[str]) -> str:
    """The text with its labels as tokens."""
    short = len(text.strip()) <= 3
    for number, label in enumerate(normalise(one).strip() for one in labels):
        token = chr(FIRST + number)
        name = re.escape(label)
        if not label.isascii():
            text = re.sub(rf"{_CUE}{name}{_EDGE}", token, text)
            continue
        article = _ARTICLE if label in ("A", "I", "a", "i") else ""
        said = rf"(?P<before>(?i:option|answer(?: is)?:?|choose|chose|select|pick|with) \(?){name}(?![A-Za-z0-9])"
        text = re.sub(said, rf"\g<before>{token}", text)
        text = re.sub(rf"{_BEFORE_ASCII}{name}{_AFTER_ASCII}{article}", token, text)
        lower = label.lower()
        if lower != label:
            after = r"(?<=[选案是为:：])\s?" if not short else r"(?<![A-Za-z0-9])"
            text = re.sub(
                rf"{after}{re.escape(lower)}(?![A-Za-z0-9])(?! [a-z])(?!\s?[=<>≥≤+*/^-])", token, text
            )
    run = "".join(re.escape(one) for one in labels if len(one) == 1 and one.isascii())
    if run:
        # AB都对 names two options, and so does AB as the answer; ABC in a sentence is a word.
        joined = (
            rf"(?<![A-Za-z0-9])(?P<run>[{run}]{{2,}})(?=(?:[两二三四]?个?(?:选项|项|者)?)(?:都|均|皆))"
            rf"|(?P<before>答案\s*[:：]\s*|^)(?P<whole>[{run}]{{2,}})(?=[\s。.]*$)"
        )
        text = re.sub(joined, partial(_run, labels), text, flags=re.MULTILINE)
    return text


def _run(labels: Sequence[str], found: re.Match[str]) -> str:
    letters: str = found["run"] or found["whole"]
    if len(set(letters)) != len(letters):
        return found.group()
    return (found["before"] or "") + "".join(chr(FIRST + labels.index(letter)) for letter in letters)


def _other(text: str, options: int) -> str | None:
    """Words that say several, all or none of the options."""
    whole = _OTHER_WHOLE.fullmatch(text.strip())
    if whole or (whole := _ALL.search(text)):
        return whole.group()
    denied: set[str] = set()
    for found in _ARE.finditer(text):
        if not found["not"]:
            return found.group()
        denied.update(MENTION.findall(found["list"]))
    return "every option denied" if len(denied) == options else None


def _named(text: str, labels: Sequence[str]) -> str:
    return MENTION.sub(lambda found: labels[ord(found.group()) - FIRST], text).strip()
