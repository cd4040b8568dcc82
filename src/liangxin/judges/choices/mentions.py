"""Finding where a free text speaks of 回复1 or 回复2, however it names them.

Every mention becomes one private character (`ONE`, `TWO`), so that the rules that look for a decision
treat both replies alike: what they read in a text they read swapped in the swapped text.

The names beyond 回复1 and 回复2 start from the normalisation of the authors' evaluators (X-PLUG/CValues,
`code/evaluators/evaluator.py`: `[reply 1]`, brackets, blanks, 第一个回复, 反馈1, 回答1) and add letters,
Chinese numerals, ordinals, 前者 and 后者.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from liangxin.judges.choices.marks import unmarked
from liangxin.reasoning import strip_think
from liangxin.zh import fold_punctuation, head_and_tail, normalise, simplified, strip_fence

ONE, TWO, BOTH, EITHER = "\ue001", "\ue002", "\ue003", "\ue004"
"""A mention of reply 1, of reply 2, of both together, and of one or the other without saying which."""

LIMIT = 32_768
"""Longer answers are read at their beginning and end only."""

_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MARKUP = re.compile(r"[*_`#~|\[\](){}<【】〔〕〖〗👉→★☆\\$^]|^>+|^-+$|^=+$", re.MULTILINE)
_SIGNS = str.maketrans(
    {"\u20e3": "", "➊": "1", "➋": "2", "❶": "1", "❷": "2", "➀": "1", "➁": "2"}
    | dict.fromkeys("✅✔☑✓", "\ue006")
    | dict.fromkeys("❌✗✘✖✕", "\ue007")
)
_MARKS = re.compile("[\ue006\ue007]")
_TICKED = re.compile(
    rf"[\s:,;.]*[{ONE}{TWO}][\s:]*\ue007[\s,;.]*([{ONE}{TWO}])[\s:]*\ue006[\s.]*|[\s:,;.]*([{ONE}{TWO}])[\s:]*\ue006[\s,;.]*[{ONE}{TWO}][\s:]*\ue007[\s.]*"
)
"""回复1 ✗ 回复2 ✓ and nothing else."""
_BLANKS = re.compile(r"(?<![0-9A-Za-z])[ \t]+|[ \t]+(?![0-9A-Za-z])")
_SPACES = re.compile(r"[ \t]{2,}")

_NOUN = "(?:回复|回答|反馈|答复|回应|答案|选项|方案)"
_NOUN_EN = "(?:reply|response|answer|option|choice|feedback)"
_NOT_COUNTED = r"(?![0-9]|\.[0-9]|个|条(?!理)|次(?!要)|楼|%)"
_NOT_A_WORD = "(?![个条下些种项般样定致旦直切起点方位句段份遍次边部会时共选])"
_NUMBER = f"(?:[12]{_NOT_COUNTED}|[一二]{_NOT_A_WORD}|[甲乙]|[AB](?![A-Z]))"
_AFTER_ORDINAL = r"(?=[更比不是较好最和与跟会明显相要在也都的看优强远略]|[\W_]|$)"

_MENTION = re.compile(
    rf"""(?P<noun>{_NOUN})(?:编号|号)?\#?["“'‘]?(?P<a>{_NUMBER})["”'’]?号?
    | (?<![A-Za-z]){_NOUN_EN}\ ?\#?(?P<b>[12](?![0-9]|\.[0-9])|one\b|two\b|(?-i:[AB])(?![A-Za-z]))
    | (?<![A-Za-z])(?:the\ )?(?P<c>first|second|former|latter)\ (?:one|{_NOUN_EN})\b
    | 第(?P<d>[12一二])(?:(?:个|条|种|则|段|份|款)(?:的?{_NOUN}|{_AFTER_ORDINAL})|{_NOUN})
    | (?P<e>[前后])(?:者|(?:一|面)(?:个|条|种|的|那个|那条)(?:{_NOUN}|{_AFTER_ORDINAL}))
    | (?<![0-9A-Za-z.第])(?P<f>[12]|(?-i:[AB]))号?(?:{_NOUN}(?![0-9A-Z一二甲乙])|号{_AFTER_ORDINAL})
    | (?<![0-9A-Za-z.第])(?P<g>[12]|(?-i:[AB]))(?=更|比(?!较的)|不如|优于|好于|较好|最好|最佳|是更|是最|明显|显然|相比)
    | (?P<word>比|不如|优于|好于|胜过)(?P<h>[12]|(?-i:[AB]))(?![0-9A-Za-z.个条次])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LISTED = re.compile(
    rf"(?:{_NOUN}|(?<![0-9A-Za-z.第]))(?P<a>[12AB])(?P<and>[和与跟、,]){_NOUN}?(?P<b>[12AB])(?=[都均皆各]|一样|同样|不相上下)"
)
"""回复1和2都, A、B均: the only lists in which bare labels count."""

_FIRST = frozenset({"1", "一", "a", "甲", "one", "first"})
_ANAPHORA = {"前": "former", "后": "latter", "former": "former", "latter": "latter"}
_QUOTED = re.compile(r"“[^“”\n]{0,4000}”|「[^「」\n]{0,4000}」|『[^『』\n]{0,4000}』|\"[^\"\n]{0,4000}\"")
_SHORT_QUOTE = 12
_SHORT_CHOICE = 10


def prepare(answer: str, prompt: str = "", choices: Sequence[str] = ()) -> str:
    """The answer as it is searched: think block, echoed prompt and quoted replies gone, mentions as tokens.

    Args:
        prompt: the question as it was asked; an answer that begins by repeating it is read after it.
        choices: the two replies; where the answer repeats one word for word, that is no decision.
    """
    text = strip_think(answer).strip()
    asked = prompt.strip()
    if asked and text.startswith(asked):
        text = text[len(asked) :]
    text = strip_fence(unmarked(head_and_tail(text, LIMIT, "\n……\n"))).strip()
    text = normalise(text)
    for choice in choices:
        quoted = normalise(choice).strip()
        if len(quoted) >= _SHORT_CHOICE:
            text = text.replace(quoted, "")
    return tokens(text)


def tokens(text: str) -> str:
    """A normalised text with its mentions as tokens, without markup, blanks and long quotations."""
    text = simplified(_PRIVATE.sub("", text).translate(_SIGNS))
    text = _SPACES.sub(" ", _BLANKS.sub("", _MARKUP.sub("", text)))
    text = _LISTED.sub(r"回复\g<a>\g<and>回复\g<b>", _whole(text))
    text = _QUOTED.sub(_unquote, _with_mentions(text))
    ticked = _TICKED.fullmatch(fold_punctuation(text))
    text = f"选{ticked[1] or ticked[2]}" if ticked else _MARKS.sub("", text)
    return fold_punctuation(text).replace('"', "").replace("'", "").lower()


def _whole(text: str) -> str:
    """Without the quotation marks around the whole text."""
    text = text.strip()
    if len(text) > 1 and (text[0] + text[-1]) in ("“”", "「」", "『』", '""') and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def _with_mentions(text: str) -> str:
    parts: list[str] = []
    seen: list[str] = []
    at = 0
    for found in _MENTION.finditer(text):
        token = _token(found, seen)
        parts.extend((text[at : found.start()], found["word"] or "", token))
        at = found.end()
        if token != EITHER:
            seen.append(token)
    parts.append(text[at:])
    return "".join(parts)


def _token(found: re.Match[str], seen: Sequence[str]) -> str:
    name = next(found[group] for group in "abcdefgh" if found[group]).lower()
    if name in _ANAPHORA:
        return _referent(_ANAPHORA[name], seen)
    return ONE if name in _FIRST else TWO


def _referent(which: str, seen: Sequence[str]) -> str:
    """What 前者 or 后者 means: by the order in which the replies were named last, if that is clear."""
    if not seen:
        order = (ONE, TWO)
    else:
        last = seen[-1]
        before = next((token for token in reversed(seen[:-1]) if token != last), None)
        first = seen[0]
        if before is None or first != before:
            return EITHER
        order = (before, last)
    return order[0] if which == "former" else order[1]


def _unquote(found: re.Match[str]) -> str:
    """A short quotation stays; of a long one only the name of a reply that it begins with."""
    inner = found.group()[1:-1]
    if len(inner) <= _SHORT_QUOTE:
        return inner
    return inner[0] if inner[0] in (ONE, TWO) and inner[1] in ":：" else ""
