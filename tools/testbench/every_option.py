"""For every option and argument of every command two lines that differ in it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testbench.every_command import JUDGE_KEY, SECRET_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """Two lines that differ in one option alone."""

    base: str
    more: str = ""
    """Added to the line with the option."""
    line: str = ""
    """The whole line with the option, where it does not come as an addition."""
    counts_at_once: bool = False
    """Whether what is seen is how many requests are under way at once."""
    while_at_work: bool = False
    """Whether another process is at work on the run `a` and ends after a while."""
    needs: str = ""
    """A package without which neither line can do anything."""

    @property
    def other(self) -> str:
        return self.line or f"{self.base} {self.more}"


def plus(base: str, /, **options: str) -> dict[str, Varied]:
    """Options that are added to one line."""
    return {name: Varied(base=base, more=more) for name, more in options.items()}


RUN = "run own.toml --model openai:m --judge llm:openai:judge --base-url URL --judge-base-url URL --name new"
JUDGE = "judge a --judge llm:openai:judge --judge-base-url URL"
CHOOSE = "run cvalues-choice --limit 2 --model hf:tiny --name new"
LLM = "--judge llm:openai:judge --judge-base-url URL"
MARKED = "run own.toml --data marked.jsonl --model openai:m --judge none --base-url URL --name new"
THOUGHT = f"run own.toml --data thought.jsonl --model openai:m {LLM} --base-url URL --name new"
DOWN = f"--data down.jsonl --model openai:m {LLM} --base-url URL --name new"
VALIDATE = f"validate a {LLM} --gold labels:safety-a.jsonl"
DECIDE = "decide a --measure safe_rate --at-least 50 --judge labels:safety-a.jsonl"
COMPARE = "compare a b --judge labels:safety-a.jsonl --judge labels:safety-b.jsonl"
SAMPLE = "sample a --for-labels 3 --judge rule"
TRAIN = "scorer train --labels uneven.jsonl --output scorers/mine"
JUDGED = "plan --sensitivity 90 --specificity 80 --rate 70 --items 1000"
TUNE = "scorer train --labels uneven.jsonl --output scorers/half --backbone hf:tiny"
EVALUATE = "scorer evaluate --labels pairs.jsonl"


def judging(base: str, broken: str, thought: str) -> dict[str, Varied]:
    """The options of an LLM judge.

    Args:
        broken: a line of the same command on the run that the judge's provider breaks on.
        thought: the same on the one that the judge thinks aloud on.
    """
    return {
        "connections": Varied(base=base, more="--connections 1", counts_at_once=True),
        "rpm": Varied(base=base, more="--rpm 120", counts_at_once=True),
        "tpm": Varied(base=base, more="--tpm 9000", counts_at_once=True),
        "timeout": Varied(base=f"{broken} --retries 0", more="--timeout 0.3"),
        "retries": Varied(base=f"{broken} --retries 0", line=f"{broken} --retries 1"),
        **plus(
            base,
            judge_api_key_env=f"--judge-api-key-env {JUDGE_KEY}",
            judge_temperature="--judge-temperature 0.3",
            judge_max_tokens="--judge-max-tokens 99",
            judge_body="--judge-body enable_thinking=false",
            judge_stream="--judge-stream",
        ),
        "judge_reasoning_marks": Varied(base=thought, more="--judge-reasoning-marks «思» «/思»"),
        "judge_base_url": Varied(
            base=base, line=base.replace("--judge-base-url URL", "--retries 0 --judge-base-url DEAD")
        ),
    }


def spending(base: str) -> dict[str, Varied]:
    """The options of what a run may cost.

    Args:
        base: a line that asks a host several times.
    """
    return {
        **plus(
            base,
            prices="--prices prices.toml",
            max_requests="--max-requests 2",
            max_tokens_total="--max-tokens-total 50",
            cache="--cache",
        ),
        "max_cost": Varied(base=f"{base} --prices prices.toml", more="--max-cost 0.0001"),
    }


def on_runs(line: str, **own: Varied) -> dict[str, Varied]:
    """The parameters of a command that changes runs.

    Args:
        line: what is typed, with {} where the run's name stands.
        own: the parameters that only this command has.
    """
    base = line.format("a")
    return {"run": Varied(base=base, line=line.format("b")), **plus(base, store="--store second.db"), **own}


ENTRIES: Mapping[str, Mapping[str, Varied]] = {
    "": {
        "version": Varied(base="", line="--version"),
        "lang": Varied(base="runs", line="--lang zh runs"),
    },
    "run": {
        "benchmarks": Varied(
            base=f"{RUN} --limit 2", line=f"{RUN} --limit 2".replace("own.toml", "cvalues-safety")
        ),
        "model": Varied(base=RUN, line=RUN.replace("openai:m", "openai:n")),
        "connections": Varied(base=RUN, more="--connections 1", counts_at_once=True),
        "judge_connections": Varied(
            base=f"{RUN} --connections 1",
            line=f"{RUN} --connections 1 --judge-connections 1",
            counts_at_once=True,
        ),
        "rpm": Varied(base=RUN, more="--rpm 120", counts_at_once=True),
        "tpm": Varied(base=RUN, more="--tpm 9000", counts_at_once=True),
        "timeout": Varied(base=f"{MARKED} --retries 0", more="--timeout 0.3"),
        "retries": Varied(base=f"{MARKED} --retries 0", line=f"{MARKED} --retries 1"),
        "base_url": Varied(base=RUN, line=RUN.replace("--base-url URL", "--retries 0 --base-url DEAD")),
        "judge_base_url": Varied(
            base=RUN, line=RUN.replace("--judge-base-url URL", "--retries 0 --judge-base-url DEAD")
        ),
        "choose_by": Varied(base=CHOOSE, more="--choose-by text-normalised", needs="transformers"),
        "reasoning_marks": Varied(base=THOUGHT, more="--reasoning-marks «思» «/思»"),
        "judge_reasoning_marks": Varied(base=THOUGHT, more="--judge-reasoning-marks «思» «/思»"),
        "give_up": Varied(
            base=f"run own.toml {DOWN} --retries 0 --give-up 0",
            line=f"run own.toml {DOWN} --retries 0 --give-up 1",
        ),
        "wait": Varied(
            base="run own.toml --model replay:own-a.jsonl --judge none", more="--wait", while_at_work=True
        ),
        **spending(RUN),
        **plus(
            RUN,
            judge="--judge rule",
            data="--data two.jsonl",
            limit="--limit 3",
            seed="--seed 7",
            trials="--trials 2",
            api_key_env=f"--api-key-env {SECRET_KEY}",
            temperature="--temperature 0.7",
            max_tokens="--max-tokens 99",
            system="--system 你好",
            judge_api_key_env=f"--judge-api-key-env {JUDGE_KEY}",
            judge_temperature="--judge-temperature 0.3",
            judge_max_tokens="--judge-max-tokens 99",
            body="--body enable_thinking=false",
            stream="--stream",
            judge_body="--judge-body enable_thinking=false",
            judge_stream="--judge-stream",
            refusal="--refusal",
            store="--store other.db",
            name="--name another",
            output="--format json",
        ),
    },
    "judge": {
        "run": Varied(base=JUDGE, line=JUDGE.replace("judge a", "judge b", 1)),
        "judges": Varied(base=JUDGE, more="--judge scorer"),
        "give_up": Varied(
            base=f"judge down {LLM} --retries 0 --give-up 0", line=f"judge down {LLM} --retries 0 --give-up 1"
        ),
        "wait": Varied(base="judge a --judge rule", more="--wait", while_at_work=True),
        **judging(JUDGE, JUDGE.replace("judge a", "judge marked"), JUDGE.replace("judge a", "judge thought")),
        **spending(JUDGE),
        **plus(JUDGE, refusal="--refusal", store="--store portable.db", output="--format json"),
    },
    "scores": {
        "run": Varied(base="scores a", line="scores b"),
        **plus("scores a", judge="--judge rule", store="--store second.db", output="--format csv"),
    },
    "report": {
        "names": Varied(base="report a --output page.html", line="report a b --output page.html"),
        "output": Varied(base="report a --output page.html", line="report a --output other.html"),
        "store": Varied(base="report a --output page.html", more="--store second.db"),
    },
    "runs": plus("runs", every="--all", store="--store portable.db", output="--format json"),
    "runs show": on_runs("runs show {}", **plus("runs show a", output="--format json")),
    "runs rename": on_runs(
        "runs rename {} another", name=Varied(base="runs rename a another", line="runs rename a third")
    ),
    "runs archive": on_runs("runs archive {}"),
    "runs unarchive": on_runs("runs unarchive {}"),
    "runs pin": on_runs("runs pin {}"),
    "runs unpin": on_runs("runs unpin {}"),
    "runs delete": on_runs("runs delete {} --yes", yes=Varied(base="runs delete a", more="--yes")),
    "rename": on_runs("rename {} another", name=Varied(base="rename a another", line="rename a third")),
    "archive": on_runs("archive {}"),
    "delete": on_runs("delete {} --yes", yes=Varied(base="delete a", more="--yes")),
    "export": {
        "run": Varied(base="export a --output rows.jsonl", line="export b --output rows.jsonl"),
        "output": Varied(base="export a --output rows.jsonl", line="export a --output rows.csv"),
        "store": Varied(base="export a --output rows.jsonl", more="--store second.db"),
    },
    "validate": {
        "run": Varied(base=VALIDATE, line=VALIDATE.replace("validate a", "validate b")),
        "judges": Varied(base=VALIDATE, more="--judge scorer"),
        "gold": Varied(base=VALIDATE, line=VALIDATE.replace("safety-a", "safety-few")),
        "benchmark": Varied(
            base="validate --judge scorer --gold labels:pairs.jsonl --benchmark own.toml",
            line="validate --judge scorer --gold labels:pairs.jsonl --benchmark cvalues-safety",
        ),
        "limit": Varied(base="validate a --judge rule --probe repeat", more="--limit 2"),
        **judging(
            VALIDATE,
            f"validate marked {LLM} --gold labels:safety-marked.jsonl",
            f"validate thought {LLM} --gold labels:safety-thought.jsonl",
        ),
        **plus(
            VALIDATE,
            probe="--probe injection",
            refusal="--refusal",
            store="--store second.db",
            output="--format json",
        ),
    },
    "decide": {
        "run": Varied(
            base=DECIDE, line=DECIDE.replace("decide a", "decide b").replace("safety-a", "safety-b")
        ),
        "measure": Varied(
            base="decide a --measure refusal_rate --at-least 50",
            line="decide a --measure safe_rate --at-least 50",
        ),
        "at_least": Varied(base=DECIDE, line=DECIDE.replace("50", "99")),
        "at_most": Varied(base=DECIDE, line=DECIDE.replace("--at-least 50", "--at-most 50")),
        "judge": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule",
            line="decide a --measure refusal_rate --at-least 10 --judge labels:safety-a.jsonl",
        ),
        "judge_trusted": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule", more="--judge-trusted"
        ),
        "corrected": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule", more="--corrected"
        ),
        "store": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule", more="--store second.db"
        ),
        **plus(
            DECIDE,
            group="--group 家",
            confidence="--confidence 60",
            sequential="--sequential",
            output="--format json",
        ),
    },
    "compare": {
        "first": Varied(base="compare a b --judge rule", line="compare c b --judge rule"),
        "second": Varied(base="compare a b --judge rule", line="compare a c --judge rule"),
        "judge": Varied(base=COMPARE, line="compare a b --judge rule"),
        "mid_p": Varied(base="compare a b --judge rule", more="--mid-p"),
        "store": Varied(base="compare a b --judge rule", more="--store second.db"),
        **plus(COMPARE, output="--format json"),
    },
    "leaderboard": {
        "benchmark": Varied(base="leaderboard own.toml", line="leaderboard flames"),
        **plus(
            "leaderboard own.toml",
            judge="--judge rule",
            samples="--samples",
            every="--all",
            store="--store second.db",
            output="--format json",
        ),
    },
    "sample": {
        "run": Varied(base=SAMPLE, line=SAMPLE.replace("sample a", "sample b")),
        "labels": Varied(base=SAMPLE, line=SAMPLE.replace("3", "4")),
        "judge": Varied(
            base="sample a --for-labels 3 --judge rule",
            line="sample a --for-labels 3 --judge labels:safety-a.jsonl",
        ),
        **plus(
            SAMPLE,
            output_file="--output sheet.csv",
            seed="--seed 5",
            simple_random="--simple-random",
            store="--store second.db",
        ),
    },
    "plan": {
        "at_least": Varied(base="plan --at-least 90 --rate 95", line="plan --at-least 91 --rate 95"),
        "margin": Varied(base="plan --margin 5", line="plan --margin 3"),
        "difference": Varied(base="plan --difference 5 --rate 60", line="plan --difference 4 --rate 60"),
        "rate": Varied(base="plan --margin 5", more="--rate 90"),
        "discordant": Varied(
            base="plan --difference 5 --discordant 20", line="plan --difference 5 --discordant 30"
        ),
        "sensitivity": Varied(
            base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("90", "95")
        ),
        "specificity": Varied(
            base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("80", "85")
        ),
        "items": Varied(base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("1000", "2000")),
        "labels": Varied(base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 200"),
        "confidence": Varied(base="plan --margin 5", more="--confidence 80"),
        "power": Varied(base="plan --at-least 90 --rate 95", more="--power 95"),
        "output": Varied(base="plan --margin 5", more="--format json"),
    },
    "models": {},
    "judges": {},
    "benchmarks": plus("benchmarks", name="own.toml")
    | {"language": Varied(base="benchmarks own.toml", more="--lang zh")},
    "check": {
        "name": Varied(base="check own.toml", line="check flames --data own.jsonl"),
        "data": Varied(base="check own.toml", more="--data two.jsonl"),
    },
    "import": {
        "file": Varied(
            base="import portable.db --store other.db", line="import liangxin.db --store other.db"
        ),
        "store": Varied(base="import portable.db", more="--store other.db"),
    },
    "scorer train": {
        "output": Varied(base=TRAIN, line=TRAIN.replace("mine", "yours")),
        "labels": Varied(base=TRAIN, line=TRAIN.replace("uneven", "levels")),
        "runs": Varied(
            base="scorer train --from taught --output scorers/mine",
            line="scorer train --from less --output scorers/mine",
        ),
        "store": Varied(base="scorer train --from taught --output scorers/mine", more="--store second.db"),
        "backbone": Varied(base=f"{TRAIN} --base none", more="--backbone hf:tiny", needs="transformers"),
        "epochs": Varied(base=f"{TUNE} --epochs 1", line=f"{TUNE} --epochs 2", needs="transformers"),
        "resume": Varied(base=f"{TUNE} --epochs 2", more="--resume", needs="transformers"),
        **plus(
            TRAIN,
            base="--base none",
            heads="--heads *=safe,unsafe",
            by="--split model",
            seed="--seed 3",
            abstain="--abstain 0.05",
            balanced="--balanced",
        ),
    },
    "scorer evaluate": {
        "scorer": Varied(base=EVALUATE, line=EVALUATE.replace("evaluate", "evaluate nowhere")),
        "labels": Varied(base=EVALUATE, line=EVALUATE.replace("pairs", "uneven")),
        "run": Varied(base="scorer evaluate", more="--run a"),
        "store": Varied(base="scorer evaluate --run a", more="--store second.db"),
        "output": Varied(base=EVALUATE, more="--format json"),
    },
    "scorer show": {"scorer": Varied(base="scorer show", more="nowhere")},
}
"""By command: each parameter, and a line with it beside one without."""
VARIED = {(command, name): one for command, entries in ENTRIES.items() for name, one in entries.items()}
"""By command and parameter."""
