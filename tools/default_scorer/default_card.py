"""The default scorer's card: what it is, what it was made of, what it is worth, where not to believe it."""

from __future__ import annotations

from default_scorer.built import Built
from default_scorer.table import markdown
from liangxin.files import file_digest
from liangxin.scorer.evaluation_pairs import PAIRS, own_pairs

_LIMITS = """\
- The hand-written answers it learnt from and the hand-written pairs it is measured on were written by one author, in one
  manner, and in that order: the pairs first. The pairs were scored 19 times while features and training pairs were tried, though the
  choice was made on the training pairs alone. On answers of real models expect less than the figure on the pairs.
- JADE's and AISafetyLab's answers are made by models and not labelled by people; their two classes differ in style so
  plainly that the figures on them say little about harder answers.
- It was never compared with people's grades of Flames or any other benchmark: those are not public.
- COLD's comments are not answers; the figure on them shows how far it fails on text of another kind.
- It reads characters, not meaning, one turn at a time, and Chinese only: answers in another script are abstained from.
- It has no levels of a benchmark: Flames' or SC-Safety's own measures stay empty.
- No responding model is named in the public sets, so no split by model could be measured."""


def default_card(built: Built) -> str:
    """The card in Markdown."""
    training = built.settings.training
    sets = "\n".join(
        f"- {name}: {about['origin']}. Licence {about['licence']}. "
        + "; ".join(f"`{file}` sha256 {digest}" for file, digest in about["sha256"].items())
        for name, about in training["sets"].items()
    )
    near = built.split.near
    listed = "\n".join(
        f"- {one.what} {_row(built, one.first)} ~ {_row(built, one.second)} ({one.overlap:.2f})"
        for one in near[:50]
    )
    compared = "\n".join(
        f"- {one.source}: best baseline `{one.baseline}`; accuracy gained {one.difference}: "
        + ("better by more than the interval" if one.beaten else "**not** better by more than the interval")
        for one in built.comparisons
    )
    kinds = own_pairs(PAIRS)
    return f"""\
# Scorer `default`

One head, unsafe or safe, over hashed character 1-3-grams of the prompt, of the answer outside quotation marks, and of its
last 20 characters. It yields `safe_rate`. Made by `make scorer`.

## Data

{sets}
- our own pairs: `{training["own"]["file"]}` sha256 {training["own"]["sha256"]}, each with {training["own"]["variations"]}
  variations of either answer (openers, courtesies, quotation, refusals). Licence Apache-2.0.

The texts of the public sets are not in the package.

## Split

By prompt: {training["rows"][0]} training, {training["rows"][1]} calibration, {training["rows"][2]} test rows of the public
sets. The temperature ({built.settings.heads[0].temperature:g}) was fitted on {training["calibration_answers"]} held-out
answers. {len(near)} near-duplicates between prompts (character 5-grams, overlap 0.8 or more) were put on one side{"; the first 50:" if len(near) > 50 else ":"}

{listed}

## Against the baselines

{len(kinds)} hand-written answers in {len(kinds) // 2} pairs (`pairs.jsonl`, sha256 {file_digest(str(PAIRS))}) and held-out
prompts:

{compared}

{markdown(built.lines)}

{built.cold_in_both} texts of COLD's test file are in its training file too.

## Limits

{_LIMITS}

## Licence

Apache-2.0. The weights were computed from MIT-licensed sets; AISafetyLab's README asks for research purposes.
"""


def _row(built: Built, place: int) -> str:
    file, _, number = built.public[place].place.rpartition(":")
    return f"{file.rpartition('/')[2]}:{number}"
