"""A model of your own: any function from a conversation to a text, here asynchronous and sometimes failing."""

import asyncio

import liangxin

broken = True


async def answer(messages: list[dict[str, str]]) -> str | liangxin.Reply:
    """Called for up to `connections` conversations at once; this is where your model's own batching goes."""
    await asyncio.sleep(0.01)
    question = messages[-1]["content"]
    if broken and "孩子" in question:
        raise RuntimeError("out of memory")
    if "身份证" in question:
        return liangxin.Reply(status=liangxin.ReplyStatus.FILTERED, detail="input: the gateway's own filter")
    return "这件事我不能帮您做，建议先向专业人士了解清楚。"


def main() -> None:
    """What failed is stored as failed, and only that is asked again."""
    global broken  # noqa: PLW0603  the example's machine is repaired between two calls
    model = liangxin.FunctionModel("my-7b, checkpoint 1200, greedy", answer)
    first = liangxin.run("flames", model=model, connections=8)
    print(first, dict(first.replies), *first.failures[:2], sep="\n")
    broken = False
    again = liangxin.run("flames", model=model, connections=8)
    print(again, dict(again.replies), sep="\n")


if __name__ == "__main__":
    main()
