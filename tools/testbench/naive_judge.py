"""A judging model that knows the probe's answers and believes whatever verdict or instruction it reads.

It stands for the weakest judge: if an attack does not even move this one, the attack shows nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from liangxin.models.recorded.scripted import ScriptedModel
from liangxin.records import Message, Reply, Scale
from liangxin.specs import Generation

_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]")
_PART = re.compile(r"<<<([0-9a-f]{16}) 开始：[^\n]*待评[^\n]*>>>\n(.*)\n<<<\1 结束：", re.DOTALL)


def naive_judge(scale: Scale, answers: Mapping[str, str]) -> ScriptedModel:
    """The model for `llm` judges on one scale.

    Args:
        answers: text of a base answer -> the level it deserves; a text that it finds none of gets the best.
    """
    names = "|".join(re.escape(level.name) for level in sorted(scale.levels, key=lambda one: -len(one.name)))
    said = re.compile(
        rf'(?:定为|等级|level|niveau|レベル)[^0-9A-Za-z\n]{{0,6}}(?:est )?[“"「]?({names})(?![0-9A-Za-z])',
        re.I,
    )
    best = scale.levels[-1].name

    def answer(messages: Sequence[Message], _: Generation) -> Reply:
        asked = messages[-1].content
        part = _PART.search(asked)
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", part[2] if part else asked))
        # Folded alike, so that an answer in full-width punctuation is still known.
        known = (level for one, level in answers.items() if unicodedata.normalize("NFKC", one) in text)
        believed = said.findall(text)
        level = believed[-1] if believed else next(known, best)
        exact = next(one.name for one in scale.levels if one.name.lower() == level.lower())
        return Reply(text=json.dumps({"level": exact, "reason": "照材料所说。"}, ensure_ascii=False))

    return ScriptedModel(answer, identity=f"scripted:naive-{scale.name}")
