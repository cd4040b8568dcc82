"""Answers that are none: what happened, and whether asking again may help.

Pure functions over what came back. They never raise, whatever the bytes are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from liangxin.models.complaints import complaint, handed_on, is_spent, names_no_model
from liangxin.records import FailureCause

_HTTP_ERROR = re.compile(r"[45]\d\d", re.ASCII)
_RETRIED = frozenset({408, 429})
_DENIED = frozenset({401, 403})
_ABSENT = frozenset({301, 302, 303, 307, 308, 404, 410})
"""Nothing is asked at that address: a redirect is never followed."""
_MINIMAX_STATUS: Mapping[str, int] = {
    "1001": 408,
    "1002": 429,
    "1039": 429,
    "1041": 429,
    "1004": 401,
    "2049": 401,
    "1008": 402,
    "2013": 400,
}
"""platform.minimax.io/docs/api-reference/errorcode, for errors that come under HTTP 200."""

_LIMIT_RENAMED = re.compile(r"max_completion_tokens")
"""OpenAI and Azure: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'
instead." (EleutherAI/lm-evaluation-harness#2441)."""

_PAGE = re.compile(rb"<(?:!doctype html|html|head|title|body)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer that is none: what happened, and whether asking again may help."""

    what: str
    """Short, ours: `HTTP 500`, `the answer is not JSON`."""
    said: str = ""
    """The endpoint's own words, raw: scrub before showing."""
    retry: bool = False
    limited: bool = False
    """The endpoint asks for fewer requests (429)."""
    denied: bool = False
    """The endpoint refuses the key (401, 403)."""
    page: bool = False
    """A page of HTML came under 403: something before the endpoint refused, a firewall or a proxy."""
    spent: bool = False
    """The account can pay for nothing more."""
    limit_renamed: bool = False
    """The endpoint wants the token limit as `max_completion_tokens`."""
    absent: bool = False
    """No host answers, or nothing that answers chats, or no such model, is at the address."""

    @property
    def cause(self) -> FailureCause | None:
        """What others will fail by too, or None where this request alone may be the reason."""
        return FailureCause(what=self.what, unusable=self.absent) if self.retry or self.absent else None


def no_json_fault(status: int, raw: bytes) -> Fault:
    """The fault of an answer that is no JSON."""
    fine = is_fine(status)
    text = raw[: 1 << 16].decode("utf-8", "replace")
    if status == 403 and _PAGE.search(raw[:4096]):
        # Endpoints refuse a key in JSON; a page is from something before them, and may be about this prompt alone.
        return Fault(what="HTTP 403 with a page of HTML", said=text, retry=True, page=True)
    fault = status_fault(status, "the answer is not JSON" if fine else f"HTTP {status}", text, retry=fine)
    # A site answers any address with a page of its own, where the endpoint's path is another.
    return replace(fault, absent=True) if fine and _PAGE.search(raw[:4096]) else fault


def wrong_content_fault(found: str, content: object) -> Fault:
    """The fault of such a content."""
    return Fault(
        what=f"the answer's content is {found}",
        said=json.dumps(content, ensure_ascii=False)[: 1 << 16],
        retry=True,
    )


def error_fault(
    status: int, body: object, *, what: str, named: Callable[[object], int | None] | None = None
) -> Fault:
    """The fault of an error body. A provider's body within a gateway's message decides.

    Args:
        what: what it is called where it holds no error.
        named: the HTTP status that an error body names in the protocol's own words.
    """
    if named is None:
        named, what = _inner_status, "the answer is an error" if complaint(body) else what
    error, inner = complaint(body), handed_on(body)
    told = named(inner) if inner is not None else None
    if told is None and is_fine(status):
        told = named(body)
    if told is not None and told != status:
        fault = status_fault(told, f"HTTP {status} with error {told}", said_in(body))
    elif not is_fine(status):
        fault = status_fault(status, f"HTTP {status}", said_in(body))
    else:
        fault = Fault(what=what, said=said_in(body), retry=True)
    if error is None:
        return fault
    if is_spent(error):
        return replace(fault, retry=False, limited=False, denied=False, spent=True)
    if names_no_model(error):
        return replace(fault, absent=True)
    renamed = any(map(_LIMIT_RENAMED.search, error.messages))
    return replace(fault, limit_renamed=True) if renamed else fault


def status_fault(status: int, what: str, said: str, *, retry: bool = False) -> Fault:
    """The fault of an HTTP status: whether to ask again, more slowly, or not at all.

    Args:
        retry: ask again whatever the status is.
    """
    return Fault(
        what=what,
        said=said,
        retry=retry or status in _RETRIED or status >= 500,
        limited=status == 429,
        denied=status in _DENIED,
        absent=status in _ABSENT,
    )


def _inner_status(body: object) -> int | None:
    """The HTTP-like status of an error that came under HTTP 200, or None."""
    if not isinstance(body, dict):
        return None
    wrapped = body.get("base_resp")
    if isinstance(wrapped, dict):
        return _MINIMAX_STATUS.get(str(wrapped.get("status_code")))
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    told = [str(error.get(name)) for name in ("code", "status", "http_code")]
    return next((int(one) for one in told if _HTTP_ERROR.fullmatch(one)), None)


def said_in(body: object) -> str:
    """The provider's own words in an error body: code and message where there are any, else the body."""
    error = complaint(body)
    if error is not None and error.message:
        code = error.codes[-1] if error.codes else ""
        return f"{code} {error.message}".strip()
    try:
        return json.dumps(body, ensure_ascii=False)[: 1 << 16]
    except (ValueError, RecursionError):
        return ""


def is_fine(status: int) -> bool:
    """Whether an HTTP status says that all is well."""
    return 200 <= status <= 299
