"""What `import liangxin` hands on, and that it loads nothing until asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

import liangxin

HEAVY = ("numpy", "polars", "sqlalchemy", "aiohttp", "rich", "typer", "jinja2", "openpyxl")


def test_importing_loads_nothing() -> None:
    code = f"import sys, liangxin; dir(liangxin); print([name for name in {HEAVY} if name in sys.modules], 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


@pytest.mark.parametrize("name", liangxin.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(liangxin, name)
    assert value.__doc__
    assert name in dir(liangxin)


def test_what_there_is_can_be_listed() -> None:
    assert "flames" in liangxin.list_benchmarks()["name"]
    assert any(spec.startswith("openai:") for spec in liangxin.list_models()["spec"])
    assert {"rule", "none"} < set(liangxin.list_judges()["spec"])


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="'liangxin' has no attribute 'nothing'"):
        _ = liangxin.nothing  # type: ignore[attr-defined]


def test_no_public_name_is_a_module_too() -> None:
    """A module of the same name would replace the function as soon as it is imported."""
    from importlib.util import find_spec

    assert not [name for name in liangxin.__all__ if find_spec(f"liangxin.{name}") is not None]
