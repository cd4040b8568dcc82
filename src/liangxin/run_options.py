"""The options of a run, each said once: name, type, range, default, help, and whether it makes another run.

The command line, the Python functions' defaults and checks, the documentation, a run's identity and the command that
makes a run again are all read from here. What type checkers and the reference of the Python functions read cannot be:
`liangxin.api.options.RunOptions` names the same options as a TypedDict, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


_ALL = (
    RunOption(
        name="judge",
        kind=str,
        metavar="SPEC",
        help=Bilingual(zh="由谁评审：见 `liangxin judges`。", en="Who rules: see `liangxin judges`."),
    ),
    RunOption(
        name="base_url",
        kind=str,
        metavar="URL",
        help=Bilingual(zh="模型接口的地址，含 `/v1`。", en="The model's endpoint, with its /v1."),
    ),
    RunOption(
        name="api_key",
        kind=str,
        python_only=True,
        help=Bilingual(zh="密钥本身；不显示，也不存储。", en="The key itself; it is never shown or stored."),
    ),
    RunOption(
        name="api_key_env",
        kind=str,
        metavar="NAME",
        help=Bilingual(zh="存放密钥的环境变量名。", en="Environment variable that holds the key."),
    ),
    RunOption(
        name="data",
        kind=str,
        metavar="PATH",
        help=Bilingual(zh="数据文件（默认：内嵌样例）。", en="The data file (default: the embedded sample)."),
    ),
    RunOption(
        name="limit",
        kind=int,
        low=1,
        help=Bilingual(
            zh="只取按种子排序的前 N 题；加大 N 会继续同一次运行。",
            en="Only the first N items of the seeded order.",
        ),
    ),
    RunOption(
        name="seed",
        kind=int,
        low=0,
        of=lambda spec: spec.generation.seed,
        field="request_seed",
        help=Bilingual(
            zh="题目顺序的种子；给出时也随请求发送。", en="Of the order; sent with requests if given."
        ),
    ),
    RunOption(
        name="trials",
        kind=int,
        default=1,
        low=1,
        high=1000,
        of=lambda spec: spec.trials,
        help=Bilingual(zh="每题问 K 次。", en="Ask everything K times."),
    ),
    RunOption(
        name="temperature",
        kind=float,
        low=0.0,
        of=lambda spec: spec.generation.temperature,
        help=Bilingual(zh="采样温度；不给则不发送。", en="Not sent unless given."),
    ),
    RunOption(
        name="max_tokens",
        kind=int,
        low=1,
        of=lambda spec: spec.generation.max_tokens,
        help=Bilingual(zh="回答的词元上限；不给则不发送。", en="Not sent unless given."),
    ),
    RunOption(
        name="system",
        kind=str,
        metavar="TEXT",
        of=lambda spec: spec.system,
        help=Bilingual(zh="系统提示词。", en="A system prompt."),
    ),
    RunOption(
        name="choose_by",
        kind=str,
        default=CHOOSE_BY,
        of=lambda spec: spec.choose_by,
        late=True,
        help=Bilingual(
            zh="选择题怎样作答：按模型写出的文字（generation），或按标号、选项文本的似然。",
            en="Choice items: by what the model writes, or by the likelihood of labels or texts.",
        ),
    ),
    RunOption(
        name="name",
        kind=str,
        metavar="RUN",
        help=Bilingual(zh="给运行起的名称。", en="A name for the run."),
    ),
    RunOption(
        name="store",
        kind=str,
        metavar="URL",
        help=Bilingual(
            zh="运行库：文件，或 `postgresql+psycopg://…`（默认 `LIANGXIN_STORE`，否则 `liangxin.db`）。",
            en="The run store: a file or postgresql+psycopg://… (default: LIANGXIN_STORE, else liangxin.db).",
        ),
    ),
    RunOption(
        name="refusal",
        kind=bool,
        default=False,
        judging=True,
        help=Bilingual(
            zh="让大模型评审另发一次请求，判断是否拒答。",
            en="Let an LLM judge rule on refusal (拒答) too, in a request of its own.",
        ),
    ),
    RunOption(
        name="judge_base_url",
        kind=str,
        metavar="URL",
        judging=True,
        help=Bilingual(zh="评审接口的地址，含 `/v1`。", en="The judge's endpoint, with its /v1."),
    ),
    RunOption(
        name="judge_api_key",
        kind=str,
        judging=True,
        python_only=True,
        help=Bilingual(
            zh="评审的密钥本身；不显示，也不存储。", en="The judge's key itself; it is never shown or stored."
        ),
    ),
    RunOption(
        name="judge_api_key_env",
        kind=str,
        metavar="NAME",
        judging=True,
        help=Bilingual(
            zh="存放评审密钥的环境变量名。", en="Environment variable that holds the judge's key."
        ),
    ),
    RunOption(
        name="judge_temperature",
        kind=float,
        default=0.0,
        low=0.0,
        judging=True,
        help=Bilingual(zh="大模型评审的温度。", en="An LLM judge's temperature."),
    ),
    RunOption(
        name="judge_max_tokens",
        kind=int,
        low=1,
        judging=True,
        help=Bilingual(zh="大模型评审的词元上限。", en="An LLM judge's token limit."),
    ),
    RunOption(
        name="connections",
        kind=int,
        default=_PATIENCE.connections,
        low=1,
        high=4096,
        judging=True,
        help=Bilingual(zh="同时进行的请求数。", en="Requests under way at once."),
    ),
    RunOption(
        name="timeout",
        kind=float,
        default=_PATIENCE.timeout,
        low=0.1,
        metavar="S",
        judging=True,
        help=Bilingual(zh="一次尝试的秒数。", en="Seconds for one attempt."),
    ),
    RunOption(
        name="retries",
        kind=int,
        default=_PATIENCE.retries,
        low=0,
        high=100,
        judging=True,
        help=Bilingual(zh="第一次之后再试几次。", en="Attempts after the first."),
    ),
    RunOption(
        name="progress",
        kind=bool,
        default=False,
        judging=True,
        python_only=True,
        help=Bilingual(zh="在标准错误上显示进度与消息。", en="Show progress and messages on standard error."),
    ),
)
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
