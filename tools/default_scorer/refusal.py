"""The refusal head of the judge `rule`: trained on the graded set, measured on its held-out topics.

Part of `make scorer`. Weights by source: own graded answers 1, 2 where written for the way they decline; JADE v3's answers .1 where they
were written to break the rules and .05 where they were written to decline; AISafetyLab .05, ordinary answers of
BELLE and GAOKAO .1 (all complied). JADE's have no grades: one written to decline is what the rules read (left out
where they read help), one written to break the rules is complied, and partly, with .3, where it redirects in words.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from default_scorer.parts import Parts, read_parts
from default_scorer.public import public_folder
from liangxin.correction.known_prompts import KnownPrompts
from liangxin.correction.sources import length_of, source_of, sources_text
from liangxin.errors import LiangxinError
from liangxin.judges.refusal_head import FOLDER, head_text, read_with_head, ruled
from liangxin.judges.rule import SOURCES
from liangxin.judges.scoring.features import FeatureSettings
from liangxin.judges.scoring.files import WEIGHTS, Head, Settings, write_settings
from liangxin.judges.scoring.loading import load_scorer
from liangxin.judges.scoring.tensors import write_tensors
from liangxin.scorer.graded import GradedAnswer
from liangxin.scorer.ngram import Examples, Fitted, Fitting, fit
from liangxin.specs import REFUSAL

FITTING = Fitting(
    features=FeatureSettings(parts=("prompt", "unquoted", "tail", "head"), bits=16), strength=16.0
)
"""The part `prompt` holds the skeleton. Chosen by cross-validation over the trained topics."""
PUBLIC_WEIGHT = {"aisafetylab": 0.05, "belle": 0.1, "gaokao": 0.1}
DECLINING = 2.0
"""Of an answer that was written for the way it declines."""
JADE_UNSAFE, JADE_SAFE, JADE_IN_WORDS = 0.1, 0.05, 0.3
LEVELS = tuple(level.name for level in REFUSAL.levels)


def examples(parts: Parts) -> Examples:
    """What the head is trained on."""
    pairs, levels, weights = [], [], []

    def add(prompt: str, answer: str, level: str, weight: float) -> None:
        pairs.append(head_text(prompt, answer, ruled(prompt, answer)))
        levels.append(LEVELS.index(level))
        weights.append(weight)

    for one in parts.train:
        add(one.prompt, one.answer, one.refusal, DECLINING if one.part == "declining" else 1.0)
    for row in parts.public:
        if kind_of(row.source) != "jade":
            add(row.prompt, row.response, "complied", PUBLIC_WEIGHT[kind_of(row.source)])
            continue
        read = ruled(row.prompt, row.response).reading.level
        if row.level == "safe" and read in REFUSAL.passing:
            add(row.prompt, row.response, read, JADE_SAFE)
        elif row.level == "unsafe" and read == "complied":
            add(row.prompt, row.response, read, JADE_UNSAFE)
        elif row.level == "unsafe" and read == "safe_redirection":
            add(row.prompt, row.response, "partly", JADE_IN_WORDS)
    return Examples(pairs=pairs, heads=[0] * len(pairs), levels=levels, weights=weights)


def kind_of(source: str) -> str:
    """A public row's set: `jade` of `jade hard`, `belle` of `belle: code`."""
    return source.replace(":", " ").split()[0]


def write(fitted: Fitted, folder: Path, rows: int) -> None:
    """Write the head as a scorer's directory."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, {"weights": fitted.weights, "bias": fitted.bias})
    features = fitted.features
    options = {"parts": list(features.parts), "orders": list(features.orders), "bits": features.bits}
    training = {"rows": rows, "strength": FITTING.strength, "public_weight": PUBLIC_WEIGHT}
    head = Head(name="*", levels=LEVELS)
    write_settings(
        folder,
        Settings(name="refusal", backbone="ngram", heads=(head,), options=options, training=training),
    )


def unseen(parts: Parts) -> list[GradedAnswer]:
    """The held-out topics, and the answers that were written plainly declining or not, to measure by."""
    return [*parts.test, *(one for one in parts.further if one.part == "plain declining")]


def measured(parts: Parts, folder: Path) -> list[tuple[str, str, str]]:
    """(true level, ruled level, answer) of every unseen graded answer."""
    rows = unseen(parts)
    ruled = read_with_head([(one.prompt, one.answer) for one in rows], load_scorer(folder))
    return [(one.refusal, level, one.answer) for one, (level, _) in zip(rows, ruled, strict=True)]


def main() -> int:
    """Train, write, measure; write the sources of the judge's error."""
    try:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
        parts = read_parts(public_folder())
        train = examples(parts)
        write(fit(train, [len(LEVELS)], FITTING), folder, len(train.pairs))
        found = measured(parts, folder)
    except LiangxinError as error:
        sys.stderr.write(f"refusal head: {error}\n")
        return error.exit_status
    name = "graded answers, unseen prompts"
    source = source_of(name, REFUSAL.name, [(true, ruled, length_of(text)) for true, ruled, text in found])
    trained = KnownPrompts.of([*(one.prompt for one in parts.train), *(row.prompt for row in parts.public)])
    (SOURCES if len(sys.argv) == 1 else folder / SOURCES.name).write_text(
        sources_text([source], trained) + "\n", encoding="utf-8"
    )
    for part in dict.fromkeys(one.part for one in unseen(parts)):
        mine = [row[:2] for row, one in zip(found, unseen(parts), strict=True) if one.part == part]
        sys.stdout.write(f"{part}\n{table(mine)}\n")
    sys.stdout.write(public_table(parts, folder) + "\n")
    return 0


def public_table(parts: Parts, folder: Path) -> str:
    """What the answers of the public sets' held-out prompts were ruled, by set and kind."""
    rows = parts.public_test
    ruled = read_with_head([(row.prompt, row.response) for row in rows], load_scorer(folder))
    kinds = [f"{kind_of(row.source)}, {row.level}" for row in rows]
    counted = Counter(zip(kinds, (level for level, _ in ruled), strict=True))
    return "\n".join(
        f"{kind}: " + ", ".join(f"{level} {counted[kind, level]}" for level in LEVELS if counted[kind, level])
        for kind in sorted(set(kinds))
    )


def table(found: Sequence[tuple[str, str]]) -> str:
    """Precision and recall of declining, and what each level was ruled."""
    declines = REFUSAL.passing
    both = sum(true in declines and ruled in declines for true, ruled in found)
    ruled_so = sum(ruled in declines for _, ruled in found)
    truly = sum(true in declines for true, _ in found)
    counted = Counter(found)
    lines = [
        f"declines: precision {both}/{ruled_so}, recall {both}/{truly}",
        f"right level: {sum(true == ruled for true, ruled in found)}/{len(found)}",
    ]
    for true in LEVELS:
        row = ", ".join(f"{ruled} {counted[true, ruled]}" for ruled in LEVELS if counted[true, ruled])
        lines.append(f"{true}: {row or '-'}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
