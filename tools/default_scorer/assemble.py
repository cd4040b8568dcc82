"""Make `data/graded.jsonl` from the raw files of writers and graders, once, by hand:

    python -m default_scorer.assemble FOLDER...

A FOLDER holds `assign/` (what was ordered), `written/` (answers), `rewrite/` (beginnings and endings made alike in pairs of
a safe and an unsafe answer; the part `hostile` alone) and `grade/` (two blind gradings, by keys that say nothing). Writers, rewriters and graders
were language models; no person took part. Grades are never taken from the order.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from default_scorer.public import DATA, GRADED, GRADED_CARD
from liangxin.scorer.graded import VARIABLE, public_prompts

FIELDS = ("safety", "flames", "sc", "refusal", "dimension")
PARTS = {
    "hostile": "hostile",
    "ordinary": "ordinary",
    "levels": "levels",
    "declining": "declining",
    "questions": "questions",
    "explaining": "questions",
    "plainly": "declining",
    "measured": "plain declining",
}
"""By the name of the files."""
_FORMAL = "S1"
"""The style of `explaining`, `plainly` and `measured`, which were ordered in one register."""
ORDERED = {"safe": "safe", "good": "safe", "weak": "safe", "unsafe": "unsafe"}
"""What was ordered, as a grade of safety; the part `declining` was ordered by the way of declining."""
Row = dict[str, Any]


def main() -> int:
    """Write the set and the agreement of its two gradings."""
    rows = [row for folder in sys.argv[1:] for row in _answers(Path(folder))]
    kept = _kept(rows)
    public = {name: public_prompts(Path(os.environ[VARIABLE]) / name) for name in _files(kept)}
    for row in kept:
        if row["file"] and public[row["file"]][row["row"]].strip() != row["prompt"].strip():
            raise SystemExit(f"{row['id']}: {row['file']}:{row['row']} is another prompt")
    DATA.mkdir(exist_ok=True)
    with GRADED.open("w", encoding="utf-8") as stream:
        for row in sorted(kept, key=lambda one: str(one["id"])):
            stream.write(json.dumps(_written(row), ensure_ascii=False) + "\n")
    card = {
        "written": len(rows),
        "kept": len(kept),
        "agreement": {
            part: {field: agreement([row for row in rows if row["part"] == part], field) for field in FIELDS}
            for part in dict.fromkeys(row["part"] for row in rows)
        },
        "order and first grading agree on safety": [
            sum(ORDERED[row["intent"]] == row["a"]["safety"] for row in rows if row["intent"]),
            sum(bool(row["intent"]) for row in rows),
        ],
    }
    GRADED_CARD.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(card, ensure_ascii=False) + "\n")
    return 0


def agreement(rows: Sequence[Row], field: str) -> Row:
    """Cohen's kappa (Cohen 1960) of the two gradings, over all levels and of each level against the others."""
    pairs = [(str(row["a"][field]), str(row["b"][field])) for row in rows]
    levels = sorted({level for pair in pairs for level in pair})
    return {
        "n": len(pairs),
        "kappa": _kappa(pairs),
        "by level": {
            level: _kappa([(str(one == level), str(other == level)) for one, other in pairs])
            for level in levels
        },
        "first grading": dict(sorted(Counter(one for one, _ in pairs).items())),
    }


def _kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    n = len(pairs)
    observed = sum(one == other for one, other in pairs) / n
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(first[level] * second[level] for level in first) / n**2
    return None if chance == 1 else round((observed - chance) / (1 - chance), 4)


def _kept(rows: Sequence[Row]) -> list[Row]:
    """Without disputed answers, and without whole prompts where a grader asked for it or four answers are not left."""
    units: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        units[row["n"]].append(row)
    kept: list[Row] = []
    for found in units.values():
        part = found[0]["part"]
        # What was written for the way it declines is kept for that; a disputed Flames level is left empty.
        agreed = ("safety", "refusal" if "declining" in part else "flames")
        fit = [row for row in found if all(row["a"][field] == row["b"][field] for field in agreed)]
        dropped = any(row[side]["drop"] for row in found for side in "ab")
        if not dropped and (part != "hostile" or len(fit) == 4):
            kept += fit
    return kept


def _written(row: Row) -> Row:
    prompt = (
        {"prompt_file": row["file"], "prompt_row": row["row"]} if row["file"] else {"prompt": row["prompt"]}
    )
    names = ("dimension", "flames", "sc", "refusal")
    return {
        "id": row["id"],
        **prompt,
        "answer": row["answer"],
        "part": row["part"],
        "topic": row["topic"],
        "task": row["task"] or "",
        "style": row["style"],
        "safety": row["a"]["safety"],
        **{name: row["a"][name] for name in names},
        **({} if row["a"]["flames"] == row["b"]["flames"] else {"flames": ""}),
    }


def _files(rows: Sequence[Row]) -> set[str]:
    return {row["file"] for row in rows if row["file"]}


def _answers(folder: Path) -> Iterator[Row]:
    """Every answer with what was ordered and both gradings; hostile ones as rewritten."""
    grades: dict[str, dict[str, Row]] = defaultdict(dict)
    for side in "ab":
        for one in _lines(folder / "grade", f"*-{side}*.out.jsonl"):
            grades[one["key"]][side] = one
    rewritten = _rewritten(folder)
    for files, part in PARTS.items():
        ordered = {one["n"]: one for one in _lines(folder / "assign", f"{files}*.jsonl")}
        # A line that was written again stands for the earlier one.
        written = {(one["n"], one.get("slot")): one for one in _lines(folder / "written", f"{files}*.jsonl")}
        found = [one for one in written.values() if "skip" not in one]
        prompts = {one["n"]: one["prompt"] for one in found if one.get("prompt")}
        for one in found:
            n, slot = one["n"], one["slot"]
            told = grades[_key(f"{n}/{slot}")]
            answer = one["answer"]
            if part == "hostile":
                # A prompt that was skipped or dropped before the rewriting has no rewritten answers.
                if (n, slot) not in rewritten:
                    continue
                answer, told = rewritten[n, slot], grades[_key(f"{n}/{slot}/rewritten")]
            order = ordered[n]
            yield {
                "id": f"{n}-{slot}",
                "n": n,
                "part": part,
                "prompt": prompts.get(n) or order["prompt"],
                "file": order.get("file"),
                "row": order.get("row"),
                "answer": answer,
                "topic": order["topic"],
                "task": order.get("task"),
                "style": order["slots"][slot].get("style", _FORMAL),
                "intent": order["slots"][slot].get("intent", ""),
                **told,
            }


def _rewritten(folder: Path) -> dict[tuple[str, int], str]:
    """The hostile answers with their new beginnings and endings, by prompt and slot."""
    sources = {one["n"]: one for one in _lines(folder / "rewrite", "in*.jsonl")}
    changes = {
        (one["n"], one["slot"]): one for one in _lines(folder / "rewrite", "out*.jsonl") if "slot" in one
    }
    found: dict[tuple[str, int], str] = {}
    for n, source in sources.items():
        for pair, long in (("pair1", "long (safe)"), ("pair2", "long (unsafe)")):
            for name, old in source[pair].items():
                if name == "closing" or (n, old["slot"]) not in changes:
                    continue
                change = changes[n, old["slot"]]
                found[n, old["slot"]] = _ends(old["answer"], change) if name == long else change["answer"]
    return found


def _ends(text: str, change: Mapping[str, Sequence[str]]) -> str:
    (head, new_head), (tail, new_tail) = change["head"], change["tail"]
    text = (new_head + text.removeprefix(head)).rstrip()
    return text.removesuffix(tail.rstrip()) + new_tail


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _lines(folder: Path, pattern: str) -> Iterator[Row]:
    for path in sorted(folder.glob(pattern)):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
