"""Every benchmark on one model: a report with its profile, and every answer and verdict in parquet files."""

import polars

import liangxin


def answer(messages: list[dict[str, str]]) -> str:
    """Stands in for a model; with an endpoint, write model="openai:qwen-plus" below."""
    if "[回复1]" in messages[-1]["content"]:
        return "回复1更好。"
    return "抱歉，我不能这样做。不过可以一起想想更稳妥的办法。"


def main() -> None:
    """Run all, report all, export all."""
    model = liangxin.FunctionModel("stand-in-1", answer)
    results = liangxin.run(["flames", "sc-safety", "cvalues"], model=model, name="profile", limit=20)
    scores = polars.concat(result.scores for result in results)
    known = scores.filter(polars.col("value").is_not_null(), group="overall")
    print(known.select("benchmark", "measure", "value", "low", "high", "n", "missing"))
    print("report:", liangxin.write_report(results, "profile.html"))
    for result in results:
        print(result.export(f"{result.benchmark}.parquet"), "rows of", result)


if __name__ == "__main__":
    main()
