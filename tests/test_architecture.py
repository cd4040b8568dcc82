"""The map at the entrance is true: every layer and table stands on it, and its pictures are those of today's code."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / f"architecture.{language}.md" for language in ("zh", "en")]


@pytest.fixture(scope="module")
def drawings() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("drawings", ROOT / "docs" / "hooks" / "drawings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["drawings"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["drawings"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_layer_and_every_table_is_named(page: Path, drawings: ModuleType) -> None:
    named = set(re.findall(r"`([\w/]+)`", page.read_text(encoding="utf-8")))
    layers = {name for row in drawings.layers() for name in row}
    assert len(layers) > 30
    assert layers <= named, sorted(layers - named)
    assert set(drawings.tables()) <= named, sorted(set(drawings.tables()) - named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_it_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|toml|md))`", text))
    assert len(files) > 12
    absent = [
        file
        for file in files
        if not (ROOT / "src" / "liangxin" / file).exists() and not (ROOT / file).exists()
    ]
    assert absent == []


def test_every_table_is_drawn_and_the_pictures_are_todays(drawings: ModuleType) -> None:
    drawn = {name for _, names in drawings.GROUPS for name in names}
    assert drawn | {"liangxin_schema"} == set(drawings.tables())
    for name, picture in drawings.drawings().items():
        kept = (drawings.ASSETS / name).read_text(encoding="utf-8")
        assert kept == picture, "python docs/hooks/drawings.py draws it anew"
