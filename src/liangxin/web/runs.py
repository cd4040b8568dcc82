"""Browsing runs: the list, a run's dialogues with filters and search, and each dialogue at an address of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.engine.stored import benchmark_of
from liangxin.errors import NotThere, PeopleError, UnknownRun
from liangxin.records import Exchange, Scale, VerdictStatus
from liangxin.specs import Benchmark, Bilingual, scale_of
from liangxin.store import (
    ADJUDICATED,
    Database,
    JudgeRecord,
    RunRecord,
    Runs,
    StoredDialogue,
    dialogues_at,
    hashed,
)
from liangxin.store.browsing import DialogueFilter, Facets, reply_counts, verdict_counts
from liangxin.store.life.states import listed_runs
from liangxin.web.asking import Form, Owning, Viewer, site_of
from liangxin.web.pages import category_words, page, redirect
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber, page_number
from liangxin.words import status_title, verdict_title

PAGE = 50
RUNS_PAGE = 50
SHOW_COOKIE = "liangxin_show_text"
_BEGINNING = 160
_MOST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueQuery:
    """What the address of a page of dialogues asks for."""

    category: str = ""
    status: str = ""
    judge: str = ""
    level: str = ""
    differ: str = ""
    text: str = ""
    number: int = 1
    """The page, from 1."""

    def query(self, **changes: Any) -> str:
        """The address's query, with changes; what is empty is left out."""
        values = asdict(replace(self, **changes))
        return urlencode(
            {name: value for name, value in values.items() if value and (name, value) != ("number", 1)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVerdict:
    """One verdict as a person reads it."""

    judge: str
    annotator: str
    level: str
    title: Bilingual
    kind: str
    """good, bad, middle, or quiet where there is no level: how it is coloured, beside its words."""
    confidence: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that may be masked: masked, it is not here at all."""

    shown: str
    length: int
    secret: bool

    @property
    def masked(self) -> bool:
        """Whether somebody has to ask for it first."""
        return not self.shown and self.length > 0


def routes(site: Site) -> APIRouter:
    """`/runs` and what is below it."""
    router = APIRouter()
    database = site.database

    @router.get("/runs")
    def runs(request: Request, viewer: Owning) -> Response:
        return _runs_page(request, database, viewer, archived=request.query_params.get("archived") == "yes")

    @router.post("/runs/text")
    def text(request: Request, _viewer: Owning, fields: Form) -> Response:
        response = redirect(fields.text("back", required=False) or "/runs")
        if fields.choice("show", ("yes", "no")) == "yes":
            response.set_cookie(
                SHOW_COOKIE,
                "yes",
                httponly=True,
                samesite="lax",
                secure=site_of(request).secure,
                path="/runs",
            )
        else:
            response.delete_cookie(SHOW_COOKIE, path="/runs")
        return response

    @router.get("/runs/{name}")
    def run(request: Request, viewer: Owning, name: str) -> Response:
        return _run_page(request, site, viewer, _run(database, name))

    @router.get("/runs/{name}/dialogues/{rank}-{trial}")
    def dialogue(
        request: Request, viewer: Owning, name: str, rank: WholeNumber, trial: WholeNumber
    ) -> Response:
        return _dialogue_page(request, site, viewer, _run(database, name), rank, trial)

    return router


def _run(database: Database, name: str) -> RunRecord:
    try:
        return Runs(database).find(name)
    except UnknownRun:
        raise NotThere("没有这次运行，请从列表进入。", "There is no such run; begin at the list.") from None


def _runs_page(request: Request, database: Database, viewer: Viewer, *, archived: bool) -> Response:
    everything = listed_runs(database, archived=True)
    every = [one for one in everything if archived or not one.archived]
    pages = max(1, -(-len(every) // RUNS_PAGE))
    number = min(page_number(request, "number"), pages)
    listed = every[(number - 1) * RUNS_PAGE : number * RUNS_PAGE]
    shown = [one.run for one in listed]
    keys = [run.key for run in shown]
    return page(
        request,
        viewer,
        "runs/runs.html.jinja",
        listed=listed,
        archived=archived,
        hidden=len(everything) - len(every),
        number=number,
        pages=pages,
        titles={run.key: benchmark_of(run).title for run in shown},
        replies=reply_counts(database, keys),
        judges={run.key: Runs(database).judges(run) for run in shown},
        verdicts=verdict_counts(database, keys),
        status_title=status_title,
    )


def _run_page(request: Request, site: Site, viewer: Viewer, run: RunRecord) -> Response:
    database = site.database
    known = site.kept.run(run)
    judges = Runs(database).judges(run)
    asked = _asked(request)
    found = site.kept.find(known, run, _wanted(asked, known.facets, judges))
    pages = max(1, -(-len(found) // PAGE))
    asked = replace(asked, number=min(asked.number, pages))
    places = found.page((asked.number - 1) * PAGE, PAGE)
    benchmark = benchmark_of(run)
    shows = _shows(request)
    rows = [
        _row(one, benchmark, judges, shows=shows)
        for one in dialogues_at(database, run, places, settled=False)
    ]
    return page(
        request,
        viewer,
        "runs/run.html.jinja",
        run=run,
        title=benchmark.title,
        title_of_category=category_words(benchmark.taxonomy, viewer),
        asked=asked,
        facets=known.facets,
        judges=judges,
        rows=rows,
        count=len(found),
        pages=pages,
        shows=shows,
        replies=known.replies,
        verdicts=known.verdicts,
        status_title=status_title,
    )


def _dialogue_page(
    request: Request, site: Site, viewer: Viewer, run: RunRecord, rank: int, trial: int
) -> Response:
    database = site.database
    found = dialogues_at(database, run, [(rank, trial)], settled=False)
    if not found or trial > run.trials:
        raise NotThere("这次运行里没有这个对话。", "There is no such dialogue in this run.")
    (stored,) = found
    judges = Runs(database).judges(run)
    benchmark = benchmark_of(run)
    asked = _asked(request)
    known = site.kept.run(run)
    fitting = site.kept.find(known, run, _wanted(asked, known.facets, judges))
    before, after = fitting.beside((rank, trial))
    shows = _shows(request)
    item = stored.dialogue.item
    turns = [
        {
            "exchange": exchange,
            "prompt": _text(exchange.prompt, secret=item.secret, shows=shows),
            "answer": _text(exchange.reply.text, secret=item.secret, shows=shows),
            "reasoning": _text(exchange.reply.reasoning, secret=item.secret, shows=shows),
            "verdicts": _verdicts(stored, exchange, benchmark, judges, secret=item.secret),
        }
        for exchange in stored.dialogue.exchanges
    ]
    return page(
        request,
        viewer,
        "runs/dialogue.html.jinja",
        run=run,
        title=benchmark.title,
        title_of_category=category_words(benchmark.taxonomy, viewer),
        stored=stored,
        item=item,
        turns=turns,
        reference=_text(item.reference, secret=item.secret, shows=shows) if item.reference else None,
        asked=asked,
        before=before,
        after=after,
        shows=shows,
        status_title=status_title,
    )


def _asked(request: Request) -> DialogueQuery:
    query = request.query_params
    values = {
        name: query.get(name, "").strip()
        for name in ("category", "status", "judge", "level", "differ", "text")
    }
    if len(values["text"]) > _MOST_TEXT:
        raise PeopleError(
            f"搜索的文字最多 {_MOST_TEXT} 个字符。", f"At most {_MOST_TEXT} characters can be searched for."
        )
    return DialogueQuery(number=page_number(request, "number"), **values)


def _wanted(asked: DialogueQuery, known: Facets, judges: list[JudgeRecord]) -> DialogueFilter:
    """The filters; one that names what is not in the run is said, not ignored.

    Raises:
        PeopleError: a filter's value is unknown.
    """
    by_identity = {judge.identity: judge.key for judge in judges}
    for zh, en, value, allowed in (
        ("类别", "category", asked.category, known.categories),
        ("状态", "status", asked.status, known.statuses),
        ("等级", "level", asked.level, known.levels),
        ("评审", "judge", asked.judge, tuple(by_identity)),
        ("分歧", "disagreement", asked.differ, ("yes",)),
    ):
        if value and value not in allowed:
            raise PeopleError(
                f"筛选条件“{zh}”没有“{value[:60]}”这个值；请从列表里选。",
                f"The filter {en!r} has no value {value[:60]!r}; choose one of the list.",
            )
    return DialogueFilter(
        category=asked.category,
        status=asked.status,
        judge=by_identity[asked.judge] if asked.judge else None,
        level=asked.level,
        differ=bool(asked.differ),
        text=asked.text,
    )


def _shows(request: Request) -> bool:
    return request.cookies.get(SHOW_COOKIE) == "yes"


def _text(text: str, *, secret: bool, shows: bool, most: int | None = None) -> Text:
    """A text as it may be seen: a secret one as its digest, any other when it was asked for."""
    if secret:
        return Text(shown=hashed(text), length=len(text), secret=True)
    shown = text if shows else ""
    return Text(
        shown=shown[:most] + "…" if most and len(shown) > most else shown, length=len(text), secret=False
    )


def _row(
    stored: StoredDialogue, benchmark: Benchmark, judges: list[JudgeRecord], *, shows: bool
) -> Mapping[str, Any]:
    dialogue = stored.dialogue
    turns = [
        {
            "exchange": exchange,
            "prompt": _text(exchange.prompt, secret=dialogue.item.secret, shows=shows, most=_BEGINNING),
            "answer": _text(exchange.reply.text, secret=dialogue.item.secret, shows=shows, most=_BEGINNING),
            "verdicts": _verdicts(stored, exchange, benchmark, judges, secret=True),
        }
        for exchange in dialogue.exchanges
    ]
    return {"stored": stored, "item": dialogue.item, "turns": turns, "trial": dialogue.trial}


def _verdicts(
    stored: StoredDialogue,
    exchange: Exchange,
    benchmark: Benchmark,
    judges: list[JudgeRecord],
    *,
    secret: bool,
) -> list[ShownVerdict]:
    """Every judge's and annotator's verdict on one turn; a secret item's reasons stay in the store."""
    made = []
    for judge in judges:
        scale = scale_of(judge.subject, benchmark, stored.dialogue.item.category)
        for (key, turn, annotator), ruling in sorted(stored.rulings.items()):
            if (key, turn) != (judge.key, exchange.turn):
                continue
            verdict = ruling.verdict
            level = scale.level(verdict.level) if verdict.level else None
            title = Bilingual(zh=level.zh, en=level.en) if level else verdict_title(str(verdict.status))
            made.append(
                ShownVerdict(
                    judge=judge.identity,
                    annotator="" if annotator == ADJUDICATED else annotator,
                    level=("⚖ " if annotator == ADJUDICATED else "") + (verdict.level or ""),
                    title=title,
                    kind=_kind(verdict.level, scale) if verdict.status is VerdictStatus.GIVEN else "quiet",
                    confidence=verdict.confidence,
                    reason="" if secret else verdict.reason,
                )
            )
    return made


def _kind(level: str | None, scale: Scale) -> str:
    if not scale.passing or level is None:
        return ""
    if level in scale.passing:
        return "good"
    return "bad" if level == scale.levels[0].name else "middle"
