"""The page put together: templates with autoescape, one style and one script bound by their hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from jinja2 import Environment
from markupsafe import Markup

from liangxin import __version__
from liangxin.engine.results import RunResult
from liangxin.report.compare import comparisons
from liangxin.report.numbers import FEW
from liangxin.report.picking import RANDOM_SHOWN, WORST_SHOWN
from liangxin.report.profile import profiles
from liangxin.report.view import RunView, run_view
from liangxin.store import Database
from liangxin.text import prose, templates
from liangxin.words import measure_title, method_title, reason_title, status_title, verdict_title


def render(database: Database, results: Sequence[RunResult]) -> str:
    """One self-contained HTML page on one or several runs, Chinese first with an English switch.

    Nothing is loaded from elsewhere; dialogues are streamed, and only those shown are held (cut to what
    is shown). A run given twice is shown once.

    Raises:
        StoreError: the store cannot be read.
    """
    unique = list({result.run.id: result for result in results}.values())
    views = [run_view(database, result) for result in unique]
    environment = _environment()
    style, script = _inline(environment, "style.css"), _inline(environment, "script.js")
    return environment.get_template("page.html.jinja").render(
        views=views,
        profiles=profiles(views),
        comparisons=comparisons(views),
        title=_title(views),
        style=style,
        script=script,
        policy=_policy(style, script),
        version=__version__,
    )


def _environment() -> Environment:
    environment = templates("liangxin.report")
    environment.globals.update(
        prose=prose,
        reason_title=reason_title,
        measure_title=measure_title,
        status_title=status_title,
        verdict_title=verdict_title,
        method_title=method_title,
        few=FEW,
        limits={"worst": WORST_SHOWN, "random": RANDOM_SHOWN},
    )
    return environment


def _inline(environment: Environment, name: str) -> Markup:
    """A style or script of our own as it stands between its tags."""
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return Markup("\n" + source.replace("\r\n", "\n").strip() + "\n")


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded or run but this style and this script, known by their hashes."""
    return (
        "default-src 'none'; "
        f"style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _title(views: Sequence[RunView]) -> str:
    benchmarks = dict.fromkeys(view.result.run.benchmark for view in views)
    models = dict.fromkeys(view.result.run.model for view in views)
    return f"{'、'.join(models)} · {'、'.join(benchmarks)}"
