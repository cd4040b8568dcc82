"""The options of a run, each said once: name, type, range, default, help, and whether it makes another run.

The command line, the Python functions' defaults and checks, the documentation, a run's identity and the command that
makes a run again are all read from here. What type checkers and the reference of the Python functions read cannot be:
`liangxin.api.options.RunOptions` names the same options as a TypedDict, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from liangxin.specs import CHOOSE_BY, Bilingual, Endpoint, RunSpec

_PATIENCE = Endpoint()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOption:
    """One option."""

    name: str
    """As a parameter in Python; see `flag` for the command line's."""
    kind: type
    help: Bilingual
    default: object = None
    low: float | None = None
    """The lowest allowed value; None where it is no number."""
    high: float | None = None
    metavar: str | None = None
    of: Callable[[RunSpec], object] | None = None
    """What a run's identity holds of it; None: the run is the same one whatever it says."""
    field: str = ""
    """Its name in the identity, where that is not its own."""
    late: bool = False
    """It came later: at its default it stays out of the identity, so that runs made before it keep their id."""
    judging: bool = False
    """Whether it also belongs to ruling on a stored run again."""
    python_only: bool = False
    """A key on a command line would be seen by others; there progress is always shown."""

    @property
    def flag(self) -> str:
        """As it is typed on the command line."""
        return "--" + self.name.replace("_", "-")


def _option(name: str, kind: type, zh: str, en: str, **more: Any) -> RunOption:
    return RunOption(name=name, kind=kind, help=Bilingual(zh=zh, en=en), **more)


_ALL = (
    _option(
        "judge", str, "由谁评审：见 `liangxin judges`（默认：选择题用 choice，其余用 rule 和 scorer）。",
        "Who rules: see `liangxin judges` (default: choice for choice items, else rule and scorer).", metavar="SPEC",
    ),
    _option(
        "base_url", str, "模型接口的地址，含 `/v1`。",
        "The model's endpoint, with its /v1.", metavar="URL",
    ),
    _option(
        "api_key", str, "密钥本身；不显示，也不存储。",
        "The key itself; it is never shown or stored.", python_only=True,
    ),
    _option(
        "api_key_env", str, "存放密钥的环境变量名。",
        "Environment variable that holds the key.", metavar="NAME",
    ),
    _option(
        "data", str, "数据文件（默认：内嵌样例）。",
        "The data file (default: the embedded sample).", metavar="PATH",
    ),
    _option(
        "limit", int, "只取按种子排序的前 N 题；加大 N 会继续同一次运行。",
        "Only the first N items of the seeded order.", low=1,
    ),
    _option(
        "seed", int, "题目顺序的种子；给出时也随请求发送。",
        "Of the order; sent with requests if given.",
        low=0, of=lambda spec: spec.generation.seed, field="request_seed",
    ),
    _option(
        "trials", int, "每题问 K 次。",
        "Ask everything K times.", default=1, low=1, high=1000, of=lambda spec: spec.trials,
    ),
    _option(
        "temperature", float, "采样温度；不给则不发送。",
        "Not sent unless given.", low=0.0, of=lambda spec: spec.generation.temperature,
    ),
    _option(
        "max_tokens", int, "回答的词元上限；不给则不发送。",
        "Not sent unless given.", low=1, of=lambda spec: spec.generation.max_tokens,
    ),
    _option(
        "body", dict, "请求里另加的字段，值按 JSON 读，可多次给出，如 `--body enable_thinking=false`。",
        "A field to add to each request, its value read as JSON; may be repeated.", metavar="KEY=VALUE",
        of=lambda spec: dict(spec.endpoint.body) or None, late=True,
    ),
    _option(
        "stream", bool, "以流式请求提问；有的模型只这样回答。",
        "Ask by stream, as some models answer in no other way.", default=False,
    ),
    _option(
        "reasoning_marks", tuple, "回答中思考部分的起止标记，用于内置表未列出的模型。",
        "What opens and closes reasoning in an answer, where it is none of the known marks.", metavar="OPEN CLOSE",
        of=lambda spec: list(marks) if (marks := spec.endpoint.reasoning_marks) else None, late=True,
    ),
    _option(
        "system", str, "系统提示词。",
        "A system prompt.", metavar="TEXT", of=lambda spec: spec.system,
    ),
    _option(
        "choose_by", str, "选择题怎样作答：按模型写出的文字（generation），或按标号、选项文本的似然；没有对话模板的本机模型默认 label。",
        "Choice items: by what the model writes (generation), or by the likelihood of labels or texts. Default: label for "
        "gguf and hf without a chat template.",
        of=lambda spec: None if spec.choose_by == CHOOSE_BY else spec.choose_by, late=True,
    ),
    _option(
        "name", str, "给运行起的名称。",
        "A name for the run.", metavar="RUN",
    ),
    _option(
        "store", str, "运行库：文件，或 `postgresql+psycopg://…`（默认 `LIANGXIN_STORE`，否则 `liangxin.db`）。",
        "The run store: a file or postgresql+psycopg://… (default: LIANGXIN_STORE, else liangxin.db).",
        metavar="URL",
    ),
    _option(
        "refusal", bool, "让大模型评审另发一次请求，判断是否拒答。",
        "Let an LLM judge rule on refusal (拒答) too, in a request of its own.",
        default=False, judging=True,
    ),
    _option(
        "judge_base_url", str, "评审接口的地址，含 `/v1`。",
        "The judge's endpoint, with its /v1.", metavar="URL", judging=True,
    ),
    _option(
        "judge_api_key", str, "评审的密钥本身；不显示，也不存储。",
        "The judge's key itself; it is never shown or stored.", judging=True, python_only=True,
    ),
    _option(
        "judge_api_key_env", str, "存放评审密钥的环境变量名。",
        "Environment variable that holds the judge's key.", metavar="NAME", judging=True,
    ),
    _option(
        "judge_temperature", float, "大模型评审的温度。",
        "An LLM judge's temperature.", default=0.0, low=0.0, judging=True,
    ),
    _option(
        "judge_max_tokens", int, "大模型评审的词元上限。",
        "An LLM judge's token limit.", low=1, judging=True,
    ),
    _option(
        "judge_body", dict, "评审的请求里另加的字段，同 `--body`。",
        "A field to add to each of the judge's requests, as --body.", metavar="KEY=VALUE", judging=True,
    ),
    _option(
        "judge_stream", bool, "以流式请求向评审提问。",
        "Ask the judge by stream.", default=False, judging=True,
    ),
    _option(
        "judge_reasoning_marks", tuple, "评审回复中思考部分的起止标记，同 `--reasoning-marks`。",
        "The judge's, as --reasoning-marks.", metavar="OPEN CLOSE", judging=True,
    ),
    _option(
        "connections", int, "同时进行的请求数。",
        "Requests under way at once.", default=_PATIENCE.connections, low=1, high=4096, judging=True,
    ),
    _option(
        "judge_connections", int, "评审自己的并发请求数，不占 `--connections`（默认：接口和密钥相同的一起占用）。",
        "The judges' own, beside --connections (default: who asks one endpoint with one key shares).",
        low=1, high=4096,
    ),
    _option(
        "rpm", int, "每个接口每分钟的请求数上限；接口自己说明的剩余额度总会遵守。",
        "Requests a minute to one endpoint; what the endpoint itself says is left is heeded anyway.",
        low=1, judging=True,
    ),
    _option(
        "tpm", int, "每个接口每分钟的词元数上限，同 `--rpm`。",
        "Tokens a minute to one endpoint, as --rpm.", low=1, judging=True,
    ),
    _option(
        "timeout", float, "一次尝试的秒数。",
        "Seconds for one attempt.", default=_PATIENCE.timeout, low=0.1, metavar="S", judging=True,
    ),
    _option(
        "retries", int, "第一次之后再试几次。",
        "Attempts after the first.", default=_PATIENCE.retries, low=0, high=100, judging=True,
    ),
    _option(
        "give_up", float, "接口连续失败时暂停并再试，最多多少秒；之后结束，已有的都已存好。",
        "Seconds to pause and try again once requests fail in a row; then the run ends, with all stored.",
        default=600.0, low=0.0, metavar="S", judging=True,
    ),
    _option(
        "wait", bool, "同一次运行已有命令在进行时，等它结束再继续（默认：说明是谁在进行，立即结束）。",
        "Where another command is at work on the same run: wait for its end (default: say who, and end at once).",
        default=False, judging=True,
    ),
    _option(
        "prices", str, "价格文件（TOML，自备；默认 `LIANGXIN_PRICES`），用来算费用。",
        "Your price file (TOML; default: LIANGXIN_PRICES), from which costs are computed.",
        metavar="FILE", judging=True,
    ),
    _option(
        "max_requests", int, "这次运行（模型与评审、各次命令合计）最多发出多少个请求；到了就干净地停下。",
        "The most requests of the run, model and judges and all its commands together; then it stops.",
        low=1, judging=True,
    ),
    _option(
        "max_tokens_total", int, "这次运行合计最多多少词元；超出的不多于进行中的请求。",
        "The most tokens of the run; exceeded by no more than what is in flight.",
        low=1, judging=True,
    ),
    _option(
        "max_cost", float, "这次运行合计最多花多少钱，按价格文件；超出的不多于进行中的请求。",
        "The most that the run may cost by your prices; exceeded by no more than what is in flight.",
        low=0.0, judging=True,
    ),
    _option(
        "cache", bool, "相同的请求用保存过的回答（文件：`LIANGXIN_CACHE`），并保存新的。",
        "Use kept answers to equal requests, and keep new ones (file: LIANGXIN_CACHE).",
        default=False, judging=True,
    ),
    _option(
        "progress", bool, "在标准错误上显示进度与消息。",
        "Show progress and messages on standard error.",
        default=False, judging=True, python_only=True,
    ),
)  # fmt: skip
RUN_OPTIONS: Mapping[str, RunOption] = {option.name: option for option in _ALL}
"""Every option by its name, those of the model before those of the judge."""


def identity_values(spec: RunSpec) -> dict[str, object]:
    """What the options add to a run's identity, under the names that it has for them."""
    return {
        option.field or option.name: value
        for option in _ALL
        if option.of is not None and ((value := option.of(spec)) != option.default or not option.late)
    }


def given(identity: Mapping[str, object]) -> dict[str, object]:
    """The flags with which an identity was made, in the order of the options; those at their default are left out."""
    return {
        option.flag: value
        for option in _ALL
        if option.of is not None
        and (value := identity.get(option.field or option.name, option.default)) != option.default
    }
