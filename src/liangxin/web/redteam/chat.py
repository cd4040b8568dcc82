"""Red teaming: choose a model, talk to it live, mark the answer that broke, hand the attack in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from liangxin.errors import NotThere, PeopleError
from liangxin.redteam.attack_record import OPEN, Attack
from liangxin.redteam.conversations import MOST_TURNS, AttackClaim, Attacks
from liangxin.redteam.live import LiveAttacks, LiveTurn
from liangxin.redteam.rows import choices, chosen_category
from liangxin.redteam.text import MOST_CHARACTERS, MOST_NOTE, MOST_STYLE
from liangxin.specs import Benchmark
from liangxin.text import visible
from liangxin.web.asking import Form, Json, Language, Signed
from liangxin.web.pages import page, redirect
from liangxin.web.redteam.attacks_in_words import (
    STYLES,
    category_title,
    model_name,
    ruling_values,
    state_name,
    turn_values,
)
from liangxin.web.redteam.engine import Reached
from liangxin.web.site import Site
from liangxin.web.values import WholeNumber, page_number

_PAGE = 20


def routes(site: Site) -> APIRouter:
    """`/attack`, `/attack/{key}` and their calls under `/api/attacks`."""
    site = attackable(site)
    attacks = Attacks(site.database)
    reached = Reached(site.attack)
    live = LiveAttacks(attacks, reached.speak, reached.rule)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        await reached.prepare()
        try:
            yield
        finally:
            await live.aclose()
            await reached.aclose()

    router = APIRouter(lifespan=lifespan)
    _pages(router, site, attacks)
    _handing_in(router, site, attacks, live)
    _calls(router, attacks, live)
    return router


def attackable(site: Site) -> Site:
    """The site with those of its benchmarks that ask open questions: nobody attacks a model with a choice."""
    kept = tuple(benchmark for benchmark in site.attack.benchmarks if benchmark.kind == "open")
    return replace(site, attack=replace(site.attack, benchmarks=kept))


def benchmark_of(site: Site, name: str) -> Benchmark:
    """The benchmark of that name that the site was started with.

    Raises:
        NotThere: it was started without.
    """
    for benchmark in site.attack.benchmarks:
        if benchmark.name == name:
            return benchmark
    raise NotThere(
        f"站点启动时没有带上基准 {name}，请带上它再启动。",
        f"The site was started without the benchmark {name}; start it with it.",
    )


def _pages(router: APIRouter, site: Site, attacks: Attacks) -> None:
    @router.get("/attack")
    def begin(request: Request, viewer: Signed) -> Response:
        number = page_number(request)
        mine, count = attacks.of(viewer.account.key, start=(number - 1) * _PAGE, most=_PAGE)
        return page(
            request,
            viewer,
            "redteam/start.html.jinja",
            models=[model_name(spec) for spec in site.attack.models],
            benchmarks=site.attack.benchmarks,
            attacks=mine,
            state_name=state_name,
            model_name=model_name,
            number=number,
            pages=max(1, -(-count // _PAGE)),
            count=count,
        )

    @router.post("/attack")
    def start(viewer: Signed, fields: Form) -> Response:
        if not site.attack.models or not site.attack.benchmarks:
            raise PeopleError(
                "站点没有提供可以攻击的模型：启动时加 --model SPEC。",
                "The site offers no model to attack: start it with --model SPEC.",
            )
        model = fields.whole("model", 0, len(site.attack.models) - 1)
        benchmark = fields.whole("benchmark", 0, len(site.attack.benchmarks) - 1)
        made = attacks.start(viewer.account.key, site.attack.models[model], site.attack.benchmarks[benchmark])
        return redirect(f"/attack/{made.key}")

    @router.get("/attack/{key}")
    def chat(request: Request, key: WholeNumber, viewer: Signed) -> Response:
        attack = attacks.own(key, viewer.account.key)
        benchmark = next((one for one in site.attack.benchmarks if one.name == attack.benchmark), None)
        return page(
            request,
            viewer,
            "redteam/chat.html.jinja",
            attack=attack,
            benchmark=benchmark,
            offered=attack.model in site.attack.models,
            model=model_name(attack.model),
            state=state_name(attack.state),
            turns=[turn_values(turn, viewer.language) for turn in attack.turns],
            categories=choices(benchmark) if benchmark else [],
            styles=STYLES,
            ruling=_ruling(attack, viewer.language),
            category=category_title(benchmark, attack.category),
            reasons=[one["reason"] for one in attack.history if one["action"] == "rejected"],
            most_turns=MOST_TURNS,
            most_characters=MOST_CHARACTERS,
            most_note=MOST_NOTE,
            most_style=MOST_STYLE,
        )


def _handing_in(router: APIRouter, site: Site, attacks: Attacks, live: LiveAttacks) -> None:
    @router.post("/attack/{key}/submit")
    async def submit(key: WholeNumber, viewer: Signed, fields: Form) -> Response:
        attack = await run_in_threadpool(attacks.own, key, viewer.account.key)
        benchmark = benchmark_of(site, attack.benchmark)
        turn = fields.whole("turn", 0, MOST_TURNS, 0)
        claim = AttackClaim(
            turn=turn,
            category=chosen_category(
                benchmark, fields.whole("category", -1, 10_000, -1), fields.text("words", required=False)
            ),
            style=chosen_style(
                fields.text("style_choice", required=False), fields.text("own", required=False)
            ),
            follow_up=fields.text("follow_up", most=MOST_CHARACTERS, required=False) if turn == 1 else "",
            note=fields.text("note", most=MOST_NOTE, required=False),
        )
        await run_in_threadpool(attacks.submit, key, viewer.account.key, claim, benchmark)
        live.judge(key)
        return redirect(f"/attack/{key}")

    @router.post("/attack/{key}/judge")
    async def judge(key: WholeNumber, viewer: Signed, fields: Form) -> Response:
        del fields
        attack = await run_in_threadpool(attacks.own, key, viewer.account.key)
        if attack.state == OPEN or attack.broken is None:
            raise PeopleError(
                "提交之后才有评审结论。", "The judge speaks only after the attack has been handed in."
            )
        if attack.ruling is None or attack.ruling.level is None:
            live.judge(key)
        return redirect(f"/attack/{key}")

    @router.post("/attack/{key}/withdraw")
    def withdraw(key: WholeNumber, viewer: Signed, fields: Form) -> Response:
        del fields
        attacks.withdraw(key, viewer.account.key)
        return redirect("/attack")


def _calls(router: APIRouter, attacks: Attacks, live: LiveAttacks) -> None:
    @router.post("/api/attacks/{key}/turns")
    async def ask(key: WholeNumber, viewer: Signed, body: Json) -> Response:
        prompt, again = body.get("prompt", ""), body.get("again", False)
        if not isinstance(prompt, str) or not isinstance(again, bool):
            raise PeopleError(
                "发送的内容不对：需要文本 prompt。", "What was sent is not as expected: prompt is a text."
            )
        asked = await live.ask(key, viewer.account.key, prompt, again=again)
        return _streamed(_lines(attacks, asked, viewer.language))

    @router.get("/api/attacks/{key}/turns")
    async def follow(key: WholeNumber, viewer: Signed) -> Response:
        await run_in_threadpool(attacks.own, key, viewer.account.key)
        running = live.running(key)
        if running is None:
            return JSONResponse({"running": False})
        return _streamed(_lines(attacks, running, viewer.language))

    @router.post("/api/attacks/{key}/stop")
    async def stop(key: WholeNumber, viewer: Signed, body: Json) -> Response:
        del body
        return JSONResponse({"stopped": await live.stop(key, viewer.account.key)})

    @router.get("/api/attacks/{key}")
    async def state(key: WholeNumber, viewer: Signed) -> Response:
        attack = await run_in_threadpool(attacks.own, key, viewer.account.key)
        return JSONResponse(
            {
                "state": attack.state,
                "turns": [turn_values(turn, viewer.language) for turn in attack.turns],
                "running": live.running(key) is not None,
                "judging": live.judging(key),
                "verdict": _ruling(attack, viewer.language),
            }
        )


def chosen_style(chosen: str, own: str) -> str:
    """The style that a person chose from the list, or their own words."""
    return chosen if chosen in {style.name for style in STYLES} else own


def _ruling(attack: Attack, language: Language) -> dict[str, Any] | None:
    """The judge's verdict for its reader; nothing before the attack has been handed in."""
    if attack.state == OPEN or attack.ruling is None:
        return None
    return ruling_values(attack.ruling, language)


async def _lines(attacks: Attacks, live: LiveTurn, language: Language) -> AsyncIterator[bytes]:
    """One JSON object a line: where the turn stands, pieces of the answer, and the turn as it was stored."""
    yield _line({"turn": live.asked.turn, "prompt": visible(live.asked.prompt)})
    async for piece in live.read():
        yield _line({"piece": piece})
    attack = await run_in_threadpool(attacks.find, live.asked.attack)
    done = next(turn for turn in attack.turns if turn.turn == live.asked.turn)
    yield _line({"done": turn_values(done, language)})


def _line(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _streamed(lines: AsyncIterator[bytes]) -> Response:
    # Without the header a proxy in front would hold the pieces back.
    return StreamingResponse(lines, media_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"})
