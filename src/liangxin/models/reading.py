"""What an OpenAI-compatible answer says: text, reasoning, status; or why it is none.

Pure functions over what came back, shared by everything that answers: an endpoint, a recorded file, a
script. They never raise, whatever the bytes are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from liangxin.models.blocks import Block, classify, classify_choice
from liangxin.models.complaints import says_something
from liangxin.models.faults import Fault, error_fault, is_fine, no_json_fault, said_in, wrong_content_fault
from liangxin.models.finish_reasons import Ending, ending, finish_word
from liangxin.reasoning import Thought, own_marks, split_think, unwrapped
from liangxin.records import Reply, ReplyStatus, Usage
from liangxin.zh import clean_text


def read_answer(status: int, raw: bytes) -> Reply | Fault:
    """Read one HTTP answer of a chat completion endpoint."""
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError):
        return no_json_fault(status, raw)
    if isinstance(body, dict):
        choices = body.get("choices")
        if is_fine(status) and isinstance(choices, list) and choices and isinstance(choices[0], dict):
            return _read_choice(choices[0], body)
        block = classify(status, body)
        if block is not None:
            return Reply(
                status=ReplyStatus.FILTERED, detail=block.detail, usage=read_usage(body.get("usage"))
            )
    return error_fault(status, body, what="the answer is not a chat completion")


def conclude(
    text: str,
    reason: str | None,
    *,
    reasoning: str = "",
    block: Block | None = None,
    usage: Usage = Usage(),
) -> Reply | Fault:
    """As `finish`, for an endpoint's answer: one that the provider broke off may be asked again."""
    if block is None and ending(reason) is Ending.BROKEN:
        return Fault(what=f"finish_reason {reason}", retry=True)
    return finish(text, reason, reasoning=reasoning, block=block, usage=usage)


def finish(
    text: str,
    reason: str | None,
    *,
    reasoning: str = "",
    block: Block | None = None,
    usage: Usage = Usage(),
) -> Reply:
    """The reply that a content and a finish reason make.

    Args:
        text: the content as it came, reasoning at its beginning included.
        reason: the finish reason; None where it is not known.
        reasoning: what came apart from the content.
        block: a block of the output, which overrules the rest; the partial text is kept as evidence.
    """
    thought = split_think(clean_text(text), lone_close=not reasoning)
    apart = clean_text(reasoning)
    if apart.strip() and thought.closed and not thought.reasoning:
        thought = replace(thought, answer=unwrapped(thought.answer))
    known = "\n\n".join(part for part in (apart, thought.reasoning) if part.strip())
    end = ending(reason)
    if block is None and reason is not None and end is Ending.BLOCKED:
        block = Block(side="output", code=reason)
    if block is not None:
        return Reply(
            text=thought.answer,
            reasoning=known,
            status=ReplyStatus.FILTERED,
            detail=block.detail,
            usage=usage,
        )
    if end is Ending.BROKEN:
        return Reply(status=ReplyStatus.FAILED, detail=f"finish_reason {reason}", usage=usage)
    if end is Ending.UNKNOWN:
        return Reply(
            text=thought.answer,
            reasoning=known,
            status=ReplyStatus.FAILED,
            detail=f"finish_reason {reason}: no list knows the word, so the answer may not be whole",
            usage=usage,
            unknown_finish=reason or "",
        )
    said = bool(thought.answer.strip())
    status, detail = _status(thought, reason)
    return Reply(
        text=thought.answer if said else "", reasoning=known, status=status, detail=detail, usage=usage
    )


def _status(thought: Thought, reason: str | None) -> tuple[ReplyStatus, str]:
    """Status and detail of an answer that nothing blocked or broke off."""
    said = bool(thought.answer.strip())
    if not thought.closed if reason is None else ending(reason) is Ending.CUT_OFF:
        where = f"finish_reason {reason}" if reason else "the think block does not end"
        return ReplyStatus.TRUNCATED, where if said else f"{where}: nothing was said before the end"
    if said:
        return ReplyStatus.OK, ""
    return ReplyStatus.EMPTY, f"finish_reason {reason}" if reason else ""


def split_marked(reply: Reply, marks: tuple[str, str] | None) -> Reply:
    """A reply without the reasoning between marks that the user names; its status is that of what is left."""
    thought = split_think(reply.text, marks=own_marks(*marks)) if marks else None
    if thought is None or (thought.answer == reply.text and thought.closed):
        return reply
    known = "\n\n".join(part for part in (reply.reasoning, thought.reasoning) if part.strip())
    status, detail = reply.status, reply.detail
    if status is ReplyStatus.OK:
        status, detail = _status(thought, None)
    return replace(reply, text=thought.answer, reasoning=known, status=status, detail=detail)


def read_recorded(text: str, reason: str | None, reasoning: str = "") -> Reply:
    """The reply that a recorded or scripted content makes: its finish reason counts as an endpoint's would."""
    return finish(text, finish_word(reason), reasoning=reasoning)


def overrule(read: Reply, status: str | None, detail: str) -> Reply:
    """A recorded or scripted reply with the status and detail that were written beside it.

    Args:
        status: one of the reply statuses; None leaves what was read. `ok` cannot make an answer of nothing.
        detail: empty leaves what was read. For a block it gets the side in front where it names none.
    """
    told = ReplyStatus(status) if status else read.status
    if told is ReplyStatus.OK and not read.text:
        told = read.status
    known = detail or (read.detail if told is read.status else f"recorded as {told}")
    if told is ReplyStatus.FILTERED and not known.startswith(("input:", "output:")):
        known = f"{'output' if read.text else 'input'}: {known}"
    return replace(read, status=told, detail=known)


def read_usage(value: object) -> Usage:
    """Token counts; None for what is missing or no count."""
    if not isinstance(value, dict):
        return Usage()
    # platform.openai.com/docs/api-reference/chat/object: completion_tokens_details.reasoning_tokens
    details = value.get("completion_tokens_details")
    return Usage(
        prompt_tokens=_count(value.get("prompt_tokens")),
        completion_tokens=_count(value.get("completion_tokens")),
        reasoning_tokens=_count(details.get("reasoning_tokens")) if isinstance(details, dict) else None,
    )


def _read_choice(choice: dict[str, object], body: dict[str, object]) -> Reply | Fault:
    reason = finish_word(choice.get("finish_reason"))
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):  # a completion, which is no chat
        message = {"content": choice["text"]}
    said = message if isinstance(message, dict) else {}
    content = said.get("content")
    text, thinking = content_of(content)
    refusal = said.get("refusal")
    if not text.strip() and isinstance(refusal, str):
        text = refusal
    apart = thought_apart(said) or thinking
    block = None
    if reason != "stop" or "flag" in choice or "native_finish_reason" in choice:
        block = classify_choice(choice, body)
    if block is None and "base_resp" in body:
        block = classify(200, body)
    if block is None:
        whole = ending(reason) is Ending.COMPLETE and bool(text.strip() or apart.strip())
        beside = _error_beside((choice, said), body, whole=whole)
        if isinstance(beside, Fault):
            return beside
        block = beside
    if block is None and ending(reason) is not Ending.BROKEN:
        if not isinstance(message, dict):
            return Fault(what="the answer holds no message", said=said_in(body), retry=True)
        if found := wrong_content(content):
            return wrong_content_fault(found, content)
    return conclude(text, reason, reasoning=apart, block=block, usage=read_usage(body.get("usage")))


def _error_beside(
    within: tuple[dict[str, object], ...], body: dict[str, object], *, whole: bool
) -> Block | Fault | None:
    """The block or fault that an error beside a choice's text means; None where there is none.

    Source: an error within the choice, under HTTP 200, in genkit-ai/genkit#6259 (OpenRouter).

    Args:
        within: what the error may stand in.
        body: around the choice; an error there, of a whole answer that the provider says is finished, says nothing of it.
        whole: whether the answer is so.
    """
    inner = next((one["error"] for one in within if says_something(one.get("error"))), None)
    if inner is not None:
        told: dict[str, object] = {"error": inner}
    elif not whole and (says_something(body.get("error")) or _refused(body.get("base_resp"))):
        told = {name: body[name] for name in ("error", "base_resp") if name in body}
    else:
        return None
    block = classify(200, told)
    if block is not None:
        return block
    fault = error_fault(200, told, what="the answer is an error")
    # The endpoint took the request on, so its key is good; what failed is behind it.
    return replace(fault, denied=False, retry=not fault.spent) if inner is not None else fault


def _refused(wrapped: object) -> bool:
    return isinstance(wrapped, dict) and wrapped.get("status_code") not in (0, "0", None)


def thought_apart(message: Mapping[str, object]) -> str:
    """What a message says in a field of its own that the model thought; empty where there is none."""
    for name in ("reasoning_content", "reasoning"):
        value = message.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def content_of(content: object) -> tuple[str, str]:
    """Text and thinking of a message's content: a text, a list of parts, or nothing."""
    if isinstance(content, str):
        return content, ""
    said: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict):
            said.extend(value for name in ("text", "refusal") if isinstance(value := part.get(name), str))
            thought.append(_thinking(part.get("thinking")))
    return "".join(said), "".join(thought)


def wrong_content(content: object) -> str:
    """What a message's content is where it is no content at all; empty where it may be one."""
    if content is None or isinstance(content, str) or content == []:
        return ""
    if not isinstance(content, list):
        kinds = {bool: "a truth value", dict: "an object"}
        return kinds.get(type(content), "a number")
    parts = [part for part in content if isinstance(part, str) or (isinstance(part, dict) and "type" in part)]
    texts = [part.get("text", "") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    if any(not isinstance(text, str | None) for text in texts):
        return "a list of parts without a text in them"
    return "" if parts or any(content_of(content)) else "a list of no parts that hold text"


def _thinking(value: object) -> str:
    """A part's thinking: a text, or a list of text parts (Mistral)."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else ()
    return "".join(
        part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _count(value: object) -> int | None:
    """A plausible number of tokens: a larger one is an endpoint's nonsense, and no store could hold it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None
