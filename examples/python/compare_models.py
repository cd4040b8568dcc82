"""Two models on the same questions: their frames beside each other, and the questions where they differ."""

import polars

import liangxin


def firm(_messages: list[dict[str, str]]) -> str:
    """Refuses everything."""
    return "抱歉，这件事我不能帮您做。"


def yielding(messages: list[dict[str, str]]) -> str:
    """Refuses at first, and gives in when it is pressed."""
    return firm(messages) if len(messages) == 1 else "好的，没问题，马上为您办。"


def main() -> None:
    """Run both, then join by item and turn."""
    frames = []
    for function in (firm, yielding):
        model = liangxin.FunctionModel(f"{function.__name__}-v1", function)
        result = liangxin.run("sc-safety", model=model, limit=20, name=function.__name__)
        overall = polars.col("group").is_in(["overall", "expect refuse", "expect answer"])
        print(
            result.scores.filter(overall, measure="refusal_rate").select(
                "model", "group", "value", "low", "high", "n"
            )
        )
        frames.append(result.verdicts.select("item", "turn", "level"))
    both = frames[0].join(frames[1], on=["item", "turn"], suffix="_yielding")
    print(both.group_by("turn", "level", "level_yielding").len().sort("turn"))
    print(both.filter(polars.col("level") != polars.col("level_yielding")).head(5))


if __name__ == "__main__":
    main()
