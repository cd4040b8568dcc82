"""Where an endpoint is and through which proxy: addresses taken apart, with nothing secret in what is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from liangxin.errors import UsageError
from liangxin.models.base import is_loopback
from liangxin.models.scrub import basic_credentials

CHAT_COMPLETIONS = "/chat/completions"

_SECRET_PARAMETER = re.compile(r"key|token|secret|sig|auth|passw", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A base URL taken apart; the credentials in it are never shown."""

    shown: str
    """Without credentials, query and trailing slash: part of the model's identity."""
    host: str
    url: str = field(repr=False)
    """Where requests go: with the endpoint's path and the query, without credentials."""
    credentials: tuple[str, str] | None = field(repr=False, default=None)
    query_secrets: tuple[str, ...] = field(repr=False, default=())

    @property
    def loopback(self) -> bool:
        """Whether it is this machine's own."""
        return is_loopback(urlsplit(self.url).hostname or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The HTTP proxy that the environment names for an address."""

    url: str
    authorization: str | None = field(repr=False, default=None)
    secrets: tuple[str, ...] = field(repr=False, default=())


def read_address(
    base_url: str, path: str = CHAT_COMPLETIONS, *, variable: str = "OPENAI_BASE_URL"
) -> Address:
    """Take a base URL apart; a trailing slash or the endpoint's path in it does no harm.

    Args:
        path: what is asked there, added to the base URL.
        variable: the environment variable that may have named it, for the message.

    Raises:
        UsageError: it is not an http(s) address with a host.
    """
    wrong = UsageError(
        "the base URL is not an http or https address with a host: write it like https://HOST/v1 "
        f"(--base-url or {variable}; for a judge --judge-base-url or LIANGXIN_JUDGE_BASE_URL)"
    )
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname, parts.port
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS or not host:
            raise wrong
        where = f"[{host}]" if ":" in host else host
        if port is not None and port != _DEFAULT_PORTS[scheme]:
            where += f":{port}"
        base = parts.path.rstrip("/").removesuffix(path).rstrip("/")
        url = f"{scheme}://{where}{base}{path}" + (f"?{parts.query}" if parts.query else "")
        if not URL(url).host or any(character.isspace() for character in url):
            raise wrong
    except ValueError:
        raise wrong from None
    named = parse_qsl(parts.query)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(
        shown=f"{scheme}://{where}{base}",
        host=where,
        url=url,
        credentials=(user, password) if user or password else None,
        query_secrets=tuple(value for name, value in named if _SECRET_PARAMETER.search(name)),
    )


def find_proxy(address: Address) -> Proxy | None:
    """The proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY for an address; a loopback address has none.

    Raises:
        UsageError: the proxy is not an http or https address.
    """
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    found = None if address.loopback else getproxies().get(parts.scheme)
    if not found or proxy_bypass(host):
        return None
    variable = f"{parts.scheme.upper()}_PROXY"
    wrong = UsageError(f"{variable} is not an http or https address: correct it, or name {host} in NO_PROXY")
    try:
        proxy = URL(found if "://" in found else f"http://{found}")
    except ValueError:
        raise wrong from None
    if proxy.scheme not in _DEFAULT_PORTS or not proxy.host:
        raise wrong
    bare = str(proxy.with_user(None))
    if proxy.user is None:
        return Proxy(url=bare)
    credentials = basic_credentials(proxy.user, proxy.password or "")
    return Proxy(
        url=bare,
        authorization=f"Basic {credentials}",
        secrets=(proxy.user, proxy.password or "", credentials),
    )
