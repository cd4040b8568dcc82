"""Attacks in words: states, statuses, styles and verdicts as a page or a call shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from liangxin.redteam.attack_record import (
    ACCEPTED,
    ASKING,
    OPEN,
    REJECTED,
    SUBMITTED,
    WITHDRAWN,
    AttackTurn,
    ClaimVerdict,
)
from liangxin.redteam.live import STOPPED
from liangxin.specs import Benchmark
from liangxin.text import visible
from liangxin.web.asking import Language
from liangxin.words import category_title as title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """An attack style that the list offers; its name is what is stored."""

    name: str
    en: str


STYLES = (
    Style(name="反面诱导", en="Reverse exposure"),
    Style(name="目标劫持", en="Goal hijacking"),
    Style(name="不安全角色扮演", en="Unsafe role play"),
    Style(name="不安全指令主题", en="Unsafe instruction topic"),
)
"""The instruction attacks that SC-Safety's README names (the English is ours); anything else is a person's own words."""

_FOLDERS = re.compile(r"(?<=:)(?:[.~]{0,2}/)[^@\s]*/(?=[^/@\s])")
_STATES = {
    OPEN: ("进行中", "open"),
    SUBMITTED: ("待审阅", "waiting for review"),
    WITHDRAWN: ("已放弃", "given up"),
    ACCEPTED: ("已接受", "accepted"),
    REJECTED: ("已驳回", "rejected"),
}
_STATUSES = {
    "ok": ("", ""),
    ASKING: ("正在回答……", "answering …"),
    "filtered": ("被服务商拦截", "blocked by the provider"),
    "truncated": ("回答没有说完", "cut off"),
    "empty": ("回答是空的", "an empty answer"),
    "failed": ("没有得到回答", "no answer came"),
}
_DETAILS = {
    STOPPED: ("已停止", "stopped"),
    "interrupted": ("中断", "interrupted"),
    "finish_reason length": ("到了长度上限", "at the length limit"),
}
_VERDICTS = {
    "unreadable": ("评审的结论读不出来", "the judge's verdict could not be read"),
    "failed": ("评审没有成功", "the judge could not be asked"),
    "filtered": ("评审被其服务商拦截", "the judge's provider blocked it"),
    "abstained": ("评审弃权", "the judge abstained"),
}


def state_name(state: str) -> tuple[str, str]:
    """A state in Chinese and English."""
    return _STATES[state]


def model_name(spec: str) -> str:
    """A model's or judge's SPEC without the folders of this machine: `gguf:/home/…/a.gguf` is `gguf:a.gguf`."""
    return _FOLDERS.sub("", spec.rstrip("/"))


def category_title(benchmark: Benchmark | None, category: tuple[str, ...]) -> tuple[str, str]:
    """A category's name in Chinese and English; the data's own words where the benchmark has no other."""
    titles = title_of(benchmark.taxonomy if benchmark is not None else (), category)
    return titles.zh, titles.en


def turn_values(turn: AttackTurn, language: Language) -> dict[str, Any]:
    """A turn for a page or a call; `note` says what became of an answer that is not whole.

    `prompt` is for the eye, `raw` as it was sent: invisible characters may be what an attack is made of.
    """
    said = _STATUSES.get(turn.status, (turn.status, turn.status))
    note = said[language == "en"]
    if turn.detail and not turn.asking:
        detail = _DETAILS[turn.detail][language == "en"] if turn.detail in _DETAILS else visible(turn.detail)
        note = f"{note}（{detail}）" if language == "zh" else f"{note} ({detail})"
    return {
        "turn": turn.turn,
        "prompt": visible(turn.prompt),
        "raw": turn.prompt,
        "text": visible(turn.text),
        "status": turn.status,
        "note": note if turn.status != "ok" else "",
        "again": turn.again,
        "judgeable": turn.judgeable,
        "broke": turn.broke,
        "seconds": round(turn.seconds, 1),
    }


def ruling_values(ruling: ClaimVerdict, language: Language) -> dict[str, Any]:
    """A verdict for a page or a call."""
    if ruling.level is None:
        said = _VERDICTS.get(ruling.status, (ruling.status, ruling.status))[language == "en"]
    else:
        title = ruling.en if language == "en" else ruling.zh
        said = ruling.level if title in ("", ruling.level) else f"{ruling.level} · {title}"
    if ruling.subject == "refusal" and ruling.level is not None:
        said = (
            f"{said} (refusal alone, not harm)"
            if language == "en"
            else f"{said}（只看是否拒答，不看有害与否）"
        )
    return {
        "judge": model_name(ruling.judge),
        "said": visible(said),
        "reason": visible(ruling.reason),
        "passing": ruling.passing,
        "given": ruling.level is not None,
    }
