"""Reviewing attacks: the queue, one attack with what it repeats, the decision, and the accepted items as files."""

from __future__ import annotations

from dataclasses import fields as fields_of
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from liangxin.errors import PeopleError
from liangxin.people import audit
from liangxin.people.accounts import Accounts
from liangxin.redteam.attack_record import SUBMITTED, Attack
from liangxin.redteam.export import archive, archive_name, command, own_name, own_rows, record
from liangxin.redteam.near import NearFinder
from liangxin.redteam.review import SEEN, AttackFilter, Correction, Reviews
from liangxin.redteam.rows import choices, chosen_category
from liangxin.redteam.text import MOST_CHARACTERS, MOST_NOTE, MOST_STYLE
from liangxin.specs import Benchmark
from liangxin.store.content import hashed
from liangxin.web.asking import Adjudicating, Form, Viewer
from liangxin.web.pages import download, page, redirect
from liangxin.web.redteam.attacks_in_words import (
    STYLES,
    category_title,
    model_name,
    ruling_values,
    state_name,
    turn_values,
)
from liangxin.web.redteam.chat import attackable, benchmark_of, chosen_style
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber, page_number
from liangxin.zh import clean_text

_PAGE = 20
_LONGEST = 500
_FILES = ("own", "archive", "record")


def routes(site: Site) -> APIRouter:
    """`/attacks`, `/attacks/{key}` and the files of accepted items."""
    site = attackable(site)
    router = APIRouter()
    reviews = Reviews(site.database, single_user=site.single_user)
    _queue(router, site, reviews)
    _one(router, site, reviews, NearFinder(site.database))
    _decisions(router, site, reviews)
    _files(router, site, reviews)
    return router


def _queue(router: APIRouter, site: Site, reviews: Reviews) -> None:
    @router.get("/attacks")
    def queue(request: Request, viewer: Adjudicating) -> Response:
        asked = request.query_params
        names = [field.name for field in fields_of(AttackFilter) if field.name != "state"]
        given = {name: clean_text(asked.get(name, "")).strip()[:_LONGEST] for name in names}
        state = asked.get("state", SUBMITTED)
        wanted = AttackFilter(state=state if state in SEEN else "", **given)
        number = page_number(request)
        found, count = reviews.page(wanted, start=(number - 1) * _PAGE, most=_PAGE)
        kept = {name: value for name, value in given.items() if value}
        return page(
            request,
            viewer,
            "redteam/review.html.jinja",
            attacks=found,
            aliases=_aliases(site, viewer),
            count=count,
            counts=reviews.counts(),
            wanted=wanted,
            values=reviews.values(),
            number=number,
            pages=max(1, -(-count // _PAGE)),
            query=urlencode({**kept, "state": wanted.state or "all"}),
            category_title=category_title,
            known={one.name: one for one in site.attack.benchmarks},
            exports=[(at, one, *_fit(reviews, one)) for at, one in enumerate(site.attack.benchmarks)],
            state_name=state_name,
            model_name=model_name,
        )


def _one(router: APIRouter, site: Site, reviews: Reviews, finder: NearFinder) -> None:
    @router.get("/attacks/{key}")
    def review(request: Request, key: WholeNumber, viewer: Adjudicating) -> Response:
        attack = reviews.find(key)
        benchmark = next((one for one in site.attack.benchmarks if one.name == attack.benchmark), None)
        known = choices(benchmark) if benchmark else []
        here = next((at for at, choice in enumerate(known) if choice.path == attack.category), None)
        within = next((at for at, choice in enumerate(known) if _leads_to(choice.path, attack)), None)
        place = within if here is None else here
        free = attack.category[len(known[place].path) :] if place is not None else ()
        return page(
            request,
            viewer,
            "redteam/answer.html.jinja",
            attack=attack,
            benchmark=benchmark,
            turns=[turn_values(turn, viewer.language) for turn in attack.turns],
            ruling=ruling_values(attack.ruling, viewer.language) if attack.ruling else None,
            near=finder.near(attack),
            hashed=hashed,
            may=reviews.may(attack, viewer.account.key),
            alias=_aliases(site, viewer).get(attack.account, "–"),
            aliases=_aliases(site, viewer),
            categories=known,
            category=category_title(benchmark, attack.category),
            category_title=category_title,
            category_place=place,
            category_words=" / ".join(free),
            styles=STYLES,
            next_key=reviews.next(viewer.account.key, key),
            commands=_commands(site, attack, benchmark),
            archive_name=archive_name(attack.benchmark),
            state=state_name(attack.state),
            state_name=state_name,
            model_name=model_name,
            most_style=MOST_STYLE,
            most_note=MOST_NOTE,
            most_characters=MOST_CHARACTERS,
        )


def _decisions(router: APIRouter, site: Site, reviews: Reviews) -> None:
    @router.post("/attacks/{key}/correct")
    def correct(key: WholeNumber, viewer: Adjudicating, fields: Form) -> Response:
        benchmark = benchmark_of(site, reviews.find(key).benchmark)
        correction = Correction(
            category=chosen_category(
                benchmark, fields.whole("category", -1, 10_000, -1), fields.text("words", required=False)
            ),
            style=chosen_style(
                fields.text("style_choice", required=False), fields.text("own", required=False)
            ),
            follow_up=fields.text("follow_up", most=MOST_CHARACTERS, required=False),
        )
        reviews.correct(key, viewer.account.key, correction, benchmark)
        return redirect(f"/attacks/{key}")

    @router.post("/attacks/{key}/accept")
    def accept(key: WholeNumber, viewer: Adjudicating, fields: Form) -> Response:
        del fields
        reviews.accept(key, viewer.account.key)
        return redirect(f"/attacks/{key}")

    @router.post("/attacks/{key}/reject")
    def reject(key: WholeNumber, viewer: Adjudicating, fields: Form) -> Response:
        reviews.reject(key, viewer.account.key, fields.text("reason", most=MOST_NOTE, required=False))
        return redirect(f"/attacks/{key}")


def _files(router: APIRouter, site: Site, reviews: Reviews) -> None:
    @router.post("/attacks/export")
    def export(viewer: Adjudicating, fields: Form) -> Response:
        kind = fields.choice("kind", _FILES)
        number = fields.whole("benchmark", 0, max(0, len(site.attack.benchmarks) - 1))
        if not site.attack.benchmarks:
            raise PeopleError("站点没有带上基准。", "The site runs without a benchmark.")
        benchmark = site.attack.benchmarks[number]
        found = reviews.accepted(benchmark.name)
        name = archive_name(benchmark.name)
        if kind == "archive":
            made = (f"{name}.zip", "application/zip", archive(benchmark, found))
        elif kind == "own":
            text = own_rows(benchmark, found).text
            made = (own_name(benchmark.name), "application/x-ndjson", text.encode())
        else:
            made = (f"{name}.dialogues.jsonl", "application/x-ndjson", record(found).encode())
        if not found or not made[2]:
            raise PeopleError(
                "还没有可以导出的题：先在审阅页接受。",
                "There is nothing to export yet: accept attacks in the review first.",
            )
        with site.database.write() as connection:
            audit.note(
                connection,
                viewer.account.key,
                "attacks exported",
                benchmark=benchmark.name,
                kind=kind,
                count=len(found),
            )
        return download(*made)


def _fit(reviews: Reviews, benchmark: Benchmark) -> tuple[int, int]:
    """How many items a benchmark has, and how many of them fit its own row format."""
    found = reviews.accepted(benchmark.name)
    return len(found), own_rows(benchmark, found).count if found else 0


def _commands(site: Site, attack: Attack, benchmark: Benchmark | None) -> list[tuple[str, str]]:
    """What to run against each model on offer: the benchmark of one's own, and the rows where the attack is one."""
    settings, base_url = site.attack, site.attack.endpoint.base_url
    own = f"{archive_name(attack.benchmark)}.toml"
    found = [(own, command(own, spec, settings.judge, base_url=base_url)) for spec in settings.models]
    if benchmark is not None and attack.item and own_rows(benchmark, [attack]).count:
        name = benchmark.declaration.file if benchmark.declaration else benchmark.name
        data = own_name(benchmark.name)
        found += [
            (data, command(name, spec, settings.judge, data=data, base_url=base_url))
            for spec in settings.models
        ]
    return found


def _leads_to(path: tuple[str, ...], attack: Attack) -> bool:
    return bool(attack.category[: len(path)] == path and len(path) < len(attack.category))


def _aliases(site: Site, viewer: Viewer) -> dict[int, str]:
    """Who is who by account, by alias: a reviewer need not know the name behind a claim."""
    return {
        one.key: one.alias if one.key != viewer.account.key else "—" for one in Accounts(site.database).all()
    }
