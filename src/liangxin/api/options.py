"""The options of a run: names, defaults and ranges, the same as the command line's, and how they become settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, cast, get_args

from liangxin.errors import UsageError
from liangxin.hints import hint
from liangxin.request_fields import checked_fields, checked_marks
from liangxin.run_options import RUN_OPTIONS
from liangxin.specs import ChooseBy, Endpoint, Generation, RunSpec, SpendingRules


class JudgeOptions(TypedDict, total=False):
    """What can be said about who rules; every entry is optional."""

    refusal: bool
    """Let an LLM judge rule on refusal (拒答) too, in a request of its own. Default: no."""
    judge_base_url: str | None
    """The judge's endpoint, with its `/v1`. Default: `LIANGXIN_JUDGE_BASE_URL`, else its provider's."""
    judge_api_key: str | None
    """The judge's key itself; it is never shown or stored. Default: `LIANGXIN_JUDGE_API_KEY`, else its provider's."""
    judge_api_key_env: str | None
    """Name of the environment variable that holds the judge's key."""
    judge_temperature: float
    """An LLM judge's temperature. Default: 0."""
    judge_max_tokens: int | None
    """An LLM judge's token limit. Default: not sent."""
    judge_body: Mapping[str, object] | None
    """Fields to add to each of the judge's requests, as `body`."""
    judge_stream: bool
    """Ask the judge by stream. Default: no."""
    judge_reasoning_marks: tuple[str, str] | None
    """What opens and what closes reasoning in the judge's replies, as `reasoning_marks`."""
    connections: int
    """Requests under way at once. Default: 32."""
    rpm: int | None
    """Requests a minute to one endpoint. Default: as many as it takes."""
    tpm: int | None
    """Tokens a minute to one endpoint. Default: as many as it takes."""
    timeout: float
    """Seconds for one attempt. Default: 120."""
    retries: int
    """Attempts after the first. Default: 4."""
    give_up: float
    """Seconds to pause and try again once requests fail in a row; then `ModelError`, all stored. Default: 600."""
    wait: bool
    """Where another process is at work on the same run: wait for its end. Default: no, `RunAtWork` says who it is."""
    prices: str | os.PathLike[str] | None
    """Your price file (TOML), from which costs are computed. Default: `LIANGXIN_PRICES`."""
    max_requests: int | None
    """The most requests of the run, model and judges and all calls together; then it stops, all stored."""
    max_tokens_total: int | None
    """The most tokens of the run; exceeded by no more than what is in flight."""
    max_cost: float | None
    """The most that the run may cost by your prices; exceeded by no more than what is in flight."""
    cache: bool
    """Use kept answers to equal requests, and keep new ones, in the file `LIANGXIN_CACHE`. Default: no."""
    progress: bool
    """Show progress and messages on standard error. Default: no; messages are in `Result.notices`."""


class RunOptions(JudgeOptions, total=False):
    """What can be said about a run; every entry is optional."""

    judge: str | Sequence[str] | None
    """Who rules: one SPEC or several, as `--judge`. Default: `choice` for choice items, else
    `rule` and `scorer`, each under its own name."""
    data: str | os.PathLike[str] | None
    """The data file. Default: the embedded sample (样例·非成绩)."""
    limit: int | None
    """Only the first N items of the seeded order; a larger limit extends the same run."""
    seed: int | None
    """Of the order; sent with requests if given."""
    trials: int
    """Ask everything K times. Default: 1."""
    choose_by: ChooseBy | None
    """Choice items: by what the model writes (`generation`, the default), or by the likelihood of `label`s, of
    `text`s, or of texts by their length (`text-normalised`), where the model gives it."""
    base_url: str | None
    """The model's endpoint, with its `/v1`. Default: `OPENAI_BASE_URL`, else its provider's."""
    api_key: str | None
    """The key itself; it is never shown or stored."""
    api_key_env: str | None
    """Name of the environment variable that holds the key."""
    temperature: float | None
    """Not sent unless given."""
    max_tokens: int | None
    """Not sent unless given."""
    body: Mapping[str, object] | None
    """Fields to add to each request, such as `{"enable_thinking": False}`; part of the run's identity."""
    stream: bool
    """Ask by stream, as some models answer in no other way. Default: no."""
    reasoning_marks: tuple[str, str] | None
    """What opens and what closes reasoning in an answer, where it is none of the known marks."""
    judge_connections: int | None
    """The judges' own requests under way at once, beside `connections`. Default: who asks one endpoint shares."""
    system: str | None
    """A system prompt."""
    name: str | None
    """A name for the run; with several benchmarks, NAME-BENCHMARK each."""
    store: str | os.PathLike[str] | None
    """The run store: a file or `postgresql+psycopg://…`. Default: `LIANGXIN_STORE`, else `liangxin.db`."""


JUDGE_DEFAULTS = cast(
    "JudgeOptions", {option.name: option.default for option in RUN_OPTIONS.values() if option.judging}
)
RUN_DEFAULTS = cast("RunOptions", {option.name: option.default for option in RUN_OPTIONS.values()})


def run_options(options: RunOptions) -> RunOptions:
    """All options of a run: as given, else the default.

    Raises:
        TypeError: an option that does not exist.
        UsageError: a value out of its range.
    """
    _check(options, RUN_DEFAULTS)
    return {**RUN_DEFAULTS, **options}


def judge_options(options: JudgeOptions) -> JudgeOptions:
    """All options of judging: as given, else the default; errors as `run_options`."""
    _check(options, JUDGE_DEFAULTS)
    return {**JUDGE_DEFAULTS, **options}


def run_spec(model: str, options: RunOptions) -> RunSpec:
    """The settings of a run, without its benchmark.

    Args:
        options: complete, as `run_options` gives them.

    Raises:
        UsageError: a named environment variable is not set, or a key is given twice.
    """
    data = options["data"]
    seed = options["seed"]
    return RunSpec(
        benchmark="",
        model=model,
        judges=several(options["judge"]),
        data=None if data is None else os.fspath(data),
        limit=options["limit"],
        seed=seed,
        trials=options["trials"],
        system=options["system"],
        name=options["name"],
        refusal=options["refusal"],
        give_up=options["give_up"],
        wait=options["wait"],
        spending=_spending(options),
        choose_by=options["choose_by"],
        generation=Generation(
            temperature=options["temperature"], max_tokens=options["max_tokens"], seed=seed
        ),
        endpoint=Endpoint(
            base_url=options["base_url"],
            api_key=_key(options["api_key"], options["api_key_env"], "api_key"),
            timeout=options["timeout"],
            retries=options["retries"],
            connections=options["connections"],
            rpm=options["rpm"],
            tpm=options["tpm"],
            body=checked_fields(options["body"] or {}, "body"),
            stream=options["stream"],
            reasoning_marks=checked_marks(options["reasoning_marks"], "reasoning_marks"),
        ),
        judge_generation=_judge_generation(options),
        judge_endpoint=judges_lane(_judge_endpoint(options), options["judge_connections"]),
    )


def judge_spec(judges: Sequence[str], options: JudgeOptions) -> RunSpec:
    """The settings for ruling on a stored run again; as `run_spec`."""
    return RunSpec(
        benchmark="",
        model="",
        judges=tuple(judges),
        refusal=options["refusal"],
        give_up=options["give_up"],
        wait=options["wait"],
        spending=_spending(options),
        judge_generation=_judge_generation(options),
        judge_endpoint=_judge_endpoint(options),
    )


def key_from(variable: str | None) -> str | None:
    """The key in the named environment variable.

    Raises:
        UsageError: a variable is named that is not set.
    """
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise UsageError(f"the environment variable {variable} is not set; export the key under that name")
    return key


def judge_endpoint(base_url: str | None, key: str | None, asked: Endpoint) -> Endpoint:
    """The judge's own endpoint: its options, else its environment variables; nothing of the model's.

    Args:
        asked: how it is asked: patience and form of the requests.
    """
    return replace(
        asked,
        base_url=base_url or os.environ.get("LIANGXIN_JUDGE_BASE_URL") or None,
        api_key=key or os.environ.get("LIANGXIN_JUDGE_API_KEY") or None,
    )


def judges_lane(endpoint: Endpoint, connections: int | None) -> Endpoint:
    """The judge's endpoint with connections of its own; None: it shares those of who asks there too."""
    return (
        endpoint if connections is None else replace(endpoint, connections=connections, own_connections=True)
    )


def several(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """None, one or several as a tuple."""
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _spending(options: JudgeOptions) -> SpendingRules:
    prices = options["prices"]
    return SpendingRules(
        prices=None if prices is None else os.fspath(prices),
        max_requests=options["max_requests"],
        max_tokens_total=options["max_tokens_total"],
        max_cost=options["max_cost"],
        cache=options["cache"],
    )


def _judge_generation(options: JudgeOptions) -> Generation:
    return Generation(temperature=options["judge_temperature"], max_tokens=options["judge_max_tokens"])


def _judge_endpoint(options: JudgeOptions) -> Endpoint:
    asked = Endpoint(
        timeout=options["timeout"],
        retries=options["retries"],
        connections=options["connections"],
        rpm=options["rpm"],
        tpm=options["tpm"],
        body=checked_fields(options["judge_body"] or {}, "judge_body"),
        stream=options["judge_stream"],
        reasoning_marks=checked_marks(options["judge_reasoning_marks"], "judge_reasoning_marks"),
    )
    key = _key(options["judge_api_key"], options["judge_api_key_env"], "judge_api_key")
    return judge_endpoint(options["judge_base_url"], key, asked)


def _key(key: str | None, variable: str | None, option: str) -> str | None:
    if key is not None and variable is not None:
        raise UsageError(f"{option} and {option}_env are both given; give the key in one way")
    return key or key_from(variable)


def _check(options: Mapping[str, object], known: Mapping[str, object]) -> None:
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        raise TypeError(f"no option {unknown!r}.{hint(unknown, known)}")
    choose_by = options.get("choose_by")
    if choose_by is not None and choose_by not in get_args(ChooseBy):
        raise UsageError(f"choose_by: found {choose_by!r}, expected one of {', '.join(get_args(ChooseBy))}")
    for name, value in options.items():
        option = RUN_OPTIONS[name]
        low, high = option.low, option.high
        if value is None or low is None:
            continue
        kind = int if option.kind is int else int | float
        ends = f"{low} or more" if high is None else f"{low} to {high}"
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not low <= float(str(value)) <= (float("inf") if high is None else high):
            whole = "a whole number, " if option.kind is int else ""
            raise UsageError(f"{name}: found {value!r}, expected {whole}{ends}")
