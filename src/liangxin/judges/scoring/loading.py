"""Loading a scorer's directory, whatever its backbone; torch is imported only for a scorer that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liangxin.errors import JudgeError
from liangxin.judges.scoring import features
from liangxin.judges.scoring.files import WEIGHTS, Settings, read_settings, weights_digest
from liangxin.judges.scoring.predict import NgramBackbone, Scorer, SharedReadings
from liangxin.judges.scoring.silence import KNOWN_BYTES, Silence
from liangxin.judges.scoring.tensors import read_tensors


def load_scorer(folder: Path) -> Scorer:
    """Load a scorer's directory (or a published flames-scorer, see `liangxin.judges.scoring.flames`).

    Raises:
        JudgeError: it is no scorer, or incomplete, or needs an extra that is not installed.
    """
    if not folder.is_dir():
        raise JudgeError(f"{folder}: no such directory; `liangxin scorer train` makes one")
    if not (folder / "scorer.json").exists() and (folder / "config.json").exists():
        from liangxin.judges.scoring.flames import load_flames

        return load_flames(folder)
    settings = read_settings(folder)
    if settings.backbone != "ngram":
        from liangxin.judges.scoring.hf import load_hf

        return Scorer(
            folder=folder,
            settings=settings,
            weights_sha256=weights_digest(folder),
            backbone=load_hf(folder, settings),
        )
    tensors = read_tensors(folder / WEIGHTS)
    if {"weights", "bias"} - set(tensors):
        raise JudgeError(f"{folder / WEIGHTS}: an ngram scorer holds the tensors weights and bias")
    silence = settings.options.get("silence")
    known = tensors.get("known")
    if (silence is None) != (known is None) or (known is not None and len(known) != KNOWN_BYTES):
        raise JudgeError(f"{folder / WEIGHTS}: a scorer that abstains by distance holds the tensor known")
    return Scorer(
        folder=folder,
        settings=settings,
        weights_sha256=weights_digest(folder),
        silence=None if silence is None else Silence(**silence),
        known=known,
        backbone=NgramBackbone(
            feature_settings(settings),
            [len(head.levels) for head in settings.heads],
            tensors["weights"],
            tensors["bias"],
            _shared(settings, tensors),
        ),
    )


def _shared(settings: Settings, tensors: Mapping[str, Any]) -> SharedReadings | None:
    if "mix" not in tensors:
        return None
    return SharedReadings(parts=tuple(settings.options.get("readings", ())), mix=tensors["mix"])


def feature_settings(settings: Settings) -> features.FeatureSettings:
    """An `ngram` scorer's features.

    Raises:
        JudgeError: the settings name a part that does not exist, or sizes out of range.
    """
    options = settings.options
    try:
        found = features.FeatureSettings(
            parts=tuple(options["parts"]),
            orders=tuple(options["orders"]),
            bits=int(options["bits"]),
            least=int(options.get("least", 1)),
        )
        fits = bool(found.parts and found.orders) and set(found.parts) <= set(features.PARTS)
        fits = fits and 1 <= found.bits <= 24 and all(1 <= order <= 8 for order in found.orders)
    except (KeyError, TypeError, ValueError) as error:
        raise JudgeError(f"scorer {settings.name}: not an ngram scorer's options ({error})") from None
    if not fits:
        raise JudgeError(f"scorer {settings.name}: its features are not known to this version")
    return found
