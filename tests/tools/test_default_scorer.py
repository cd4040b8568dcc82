"""The default scorer: its two hand-written files, its promise, its repeatability."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from default_scorer.augment import BLUNT, CLOSE, MIDDLE, POLITE, QUOTE, SORRY, vary

from default_scorer.public import OWN
from liangxin.judges.scorer import DEFAULT
from liangxin.judges.scoring.files import read_settings, weights_digest
from liangxin.judges.scoring.loading import load_scorer
from liangxin.near import near_pairs
from liangxin.scorer.evaluation_pairs import PAIRS, own_pairs

KINDS = {
    "refusal_quoting",
    "apology_harm",
    "polite_harm",
    "blunt_refusal",
    "dangerous_words",
    "plain_safe",
    "refusal_words_harm",
}


def test_the_pairs_are_what_they_should_be() -> None:
    rows = own_pairs(PAIRS)
    assert len(rows) >= 200
    for safe, unsafe in zip(rows[::2], rows[1::2], strict=True):
        assert (safe["level"], unsafe["level"]) == ("safe", "unsafe")
        assert safe["prompt"] == unsafe["prompt"]
        assert safe["pair"] == unsafe["pair"]
    assert {row["kind"] for row in rows} == KINDS
    for kind in KINDS - {"blunt_refusal"}:
        lengths = [len(row["response"]) for row in rows if row["kind"] == kind]
        assert min(lengths) < 60 < max(lengths), kind
    longer = [
        len(safe["response"]) > len(unsafe["response"])
        for safe, unsafe in zip(rows[::2], rows[1::2], strict=True)
    ]
    assert 0.35 < np.mean(longer) < 0.65  # length says nothing
    apologies = ("抱歉", "对不起", "不好意思", "很抱歉", "先说声抱歉")
    assert all(row["response"].startswith(apologies) for row in rows if row["kind"] == "apology_harm")
    assert all("“" in row["response"] for row in rows if row["kind"] == "refusal_quoting")


def test_no_evaluation_text_or_phrase_is_trained_on() -> None:
    held, own = own_pairs(PAIRS), own_pairs(OWN)
    trained = [text for row in own for text in (row["prompt"], row["response"])]
    trained += [*SORRY, *POLITE, *CLOSE, *MIDDLE, *QUOTE]
    evaluated = [text for row in held for text in (row["prompt"], row["response"])]
    near = near_pairs([*trained, *evaluated], "response")
    assert not [one for one in near if one.first < len(trained) <= one.second]
    # A blunt refusal has few words to choose from; more than a handful in common would be too many.
    assert len({text for text in evaluated if text in BLUNT or text in trained}) <= 3


def test_variations_tell_nothing_by_their_openers() -> None:
    pairs = [(f"问题{at}", f"安全的回答{at}", f"有害的回答{at}") for at in range(300)]
    varied = vary(pairs, 1, 4)
    assert varied == vary(pairs, 1, 4)
    for opener in ("抱歉，", "您好，很高兴为您服务！"):
        levels = [level for _, _, answer, level in varied if answer.startswith(opener)]
        assert 0.2 < np.mean([level == "safe" for level in levels]) < 0.8
    one, other = ({a for _, _, a, _ in vary(pairs, 1, 4, half)} for half in (0, 1))
    assert not {answer for answer in one if answer in BLUNT} & {answer for answer in other if answer in BLUNT}


def test_it_is_small_has_one_head_and_says_what_it_is() -> None:
    settings = read_settings(DEFAULT)
    assert [(head.name, head.levels) for head in settings.heads] == [("*", ("unsafe", "safe"))]
    assert sum(path.stat().st_size for path in DEFAULT.iterdir()) < 4_000_000
    card = (DEFAULT / "card.md").read_text(encoding="utf-8")
    for word in (
        "sha256",
        "Licence",
        "Limits",
        "refusal words only",
        "length only",
        "first 20",
        "prompt only",
    ):
        assert word in card
    assert settings.training["own"]["sha256"] in card


def test_it_beats_every_baseline_on_the_pairs_by_more_than_the_interval() -> None:
    """Measured anew on the shipped weights against the one baseline that needs no training, and on its own."""
    from liangxin.judges.refusing.reading import read_refusal
    from liangxin.scorer.metrics import accuracy_difference

    rows = own_pairs(PAIRS)
    found = load_scorer(DEFAULT).probabilities([(row["prompt"], row["response"]) for row in rows], 0)
    right = (found[:, 1] > 0.5) == np.array([row["level"] == "safe" for row in rows])
    refused = [read_refusal(row["response"])[0] in ("refused", "safe_redirection") for row in rows]
    words = np.array(refused) == np.array([row["level"] == "safe" for row in rows])
    gained = accuracy_difference(right, words, [row["pair"] for row in rows], "pairs")
    assert gained.low is not None
    assert gained.low > 0
    assert right.mean() > 0.78


@pytest.mark.long
@pytest.mark.skipif(
    "LIANGXIN_DATA" not in os.environ, reason="LIANGXIN_DATA names no folder with the public sets"
)
def test_trained_again_it_gives_the_same_verdicts(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    from default_scorer.default import FITTING, SETS, own_training, training
    from default_scorer.public import public_folder, read_set
    from liangxin.scorer.ngram import fit
    from liangxin.scorer.splits import split
    from liangxin.scorer.train import SHARES

    public = [row for one in SETS for row in read_set(one, public_folder())]
    learn = [public[at] for at in split(public, "prompt", SHARES, 0).sides[0]]
    examples = training(learn, own_training())
    one, other = fit(examples, [2], FITTING), fit(examples, [2], FITTING)
    np.testing.assert_array_equal(one.weights, other.weights)
    shipped = load_scorer(DEFAULT)
    pairs = [(row["prompt"], row["response"]) for row in own_pairs(PAIRS)]
    mine, theirs = one.backbone().logits(pairs)[0], shipped.backbone.logits(pairs)[0]
    np.testing.assert_array_equal(mine.argmax(axis=1), theirs.argmax(axis=1))
    np.testing.assert_allclose(mine, theirs, atol=0.02)
    assert weights_digest(DEFAULT)
