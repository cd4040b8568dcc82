"""Any OpenAI-compatible `/chat/completions` endpoint, through an adapter thin enough to see its raw codes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from liangxin import __version__
from liangxin.errors import UsageError
from liangxin.models.pacing import Pacer
from liangxin.models.scrub import Secrets, basic_credentials
from liangxin.models.transport import AiohttpTransport, Asker, Patience
from liangxin.records import Message, Reply
from liangxin.specs import Endpoint, Generation

DEFAULT_BASE_URL = "https://api.openai.com/v1"

_SECRET_PARAMETER = re.compile(r"key|token|secret|sig|auth|passw", re.IGNORECASE)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d+){3}|::1")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A base URL taken apart; the credentials in it are never shown."""

    shown: str
    """Without credentials, query and trailing slash: part of the model's identity."""
    host: str
    url: str = field(repr=False)
    """Where requests go: with the path of chat completions and the query, without credentials."""
    credentials: tuple[str, str] | None = field(repr=False, default=None)
    query_secrets: tuple[str, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The HTTP proxy that the environment names for an address."""

    url: str
    authorization: str | None = field(repr=False, default=None)
    secrets: tuple[str, ...] = field(repr=False, default=())


def open_openai(name: str, endpoint: Endpoint) -> OpenAIModel:
    """The model `name` at the endpoint, else at OPENAI_BASE_URL, else at OpenAI's own.

    Raises:
        UsageError: the base URL, the key or the proxy cannot be used.
    """
    address = read_address(endpoint.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL)
    return OpenAIModel(name, endpoint, address, find_proxy(address))


class OpenAIModel:
    """One model behind one endpoint. Its connections belong to the loop of the first request."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        address: Address,
        proxy: Proxy | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Prepare everything that requests share; nothing is connected yet.

        Args:
            patience: by default the endpoint's retries with the usual waits.
        """
        self.identity = f"openai:{name}@{address.shown}"
        self._head = f'{{"model":{_encode(name)},"messages":'
        self._endpoint = endpoint
        self._address = address
        self._proxy = proxy
        self._patience = patience or Patience(retries=endpoint.retries)
        key = _key(endpoint, address)
        self._headers = _headers(key, address)
        self._secrets = Secrets(
            (
                key,
                *(address.credentials or ()),
                basic_credentials(*address.credentials) if address.credentials else None,
                *address.query_secrets,
                *(proxy.secrets if proxy else ()),
            )
        )
        self._asker: Asker | None = None
        self._tail: tuple[Generation | None, str] = (None, "")

    def __repr__(self) -> str:
        return f"OpenAIModel({self.identity!r})"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """Ask for the next message.

        Raises:
            AccessDenied: the endpoint refused the key.
        """
        if self._asker is None:
            self._asker = self._open()
        return await self._asker.ask(self._payload(messages, generation))

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        asker, self._asker = self._asker, None
        if asker is not None:
            await asker.aclose()

    def _open(self) -> Asker:
        endpoint = self._endpoint
        transport = AiohttpTransport(
            self._address.url,
            self._headers,
            timeout=endpoint.timeout,
            proxy=self._proxy.url if self._proxy else None,
            proxy_authorization=self._proxy.authorization if self._proxy else None,
        )
        return Asker(
            transport,
            pacer=Pacer(endpoint.connections),
            patience=self._patience,
            secrets=self._secrets,
            denied=f"{self._address.host} refused access: check the key in OPENAI_API_KEY or the variable that "
            "--api-key-env names (for a judge LIANGXIN_JUDGE_API_KEY or --judge-api-key-env)",
        )

    def _payload(self, messages: Sequence[Message], generation: Generation) -> bytes:
        """The request's body. What does not change between requests is kept as text."""
        if self._tail[0] is not generation:
            self._tail = (generation, _settings(generation))
        said = _encode([{"role": message.role, "content": message.content} for message in messages])
        return f"{self._head}{said}{self._tail[1]}}}".encode(errors="replace")


def read_address(base_url: str) -> Address:
    """Take a base URL apart; a trailing slash or `/chat/completions` in it does no harm.

    Raises:
        UsageError: it is not an http(s) address with a host.
    """
    wrong = UsageError(
        "the base URL is not an http or https address with a host: write it like https://HOST/v1 "
        "(--base-url or OPENAI_BASE_URL; for a judge --judge-base-url or LIANGXIN_JUDGE_BASE_URL)"
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
        path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
        url = f"{scheme}://{where}{path}/chat/completions" + (f"?{parts.query}" if parts.query else "")
        if not URL(url).host or any(character.isspace() for character in url):
            raise wrong
    except ValueError:
        raise wrong from None
    named = parse_qsl(parts.query)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(
        shown=f"{scheme}://{where}{path}",
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
    found = None if _LOOPBACK.fullmatch(host) else getproxies().get(parts.scheme)
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


def _key(endpoint: Endpoint, address: Address) -> str | None:
    """The key to send: the endpoint's own, else none where the URL holds credentials, else the environment's.

    Raises:
        UsageError: no header can carry it.
    """
    key = endpoint.api_key
    if key is None and address.credentials is None:
        key = os.environ.get("OPENAI_API_KEY")
    key = (key or "").strip()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            "the API key holds a line break or a character that no HTTP header can carry: export it again"
        )
    return key


def _headers(key: str | None, address: Address) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": f"liangxin/{__version__}",
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    elif address.credentials is not None:
        headers["Authorization"] = f"Basic {basic_credentials(*address.credentials)}"
    return headers


def _settings(generation: Generation) -> str:
    """The sampling settings as the end of a JSON object; what is None is not sent."""
    named = {
        "temperature": generation.temperature,
        "max_tokens": generation.max_tokens,
        "seed": generation.seed,
    }
    return "".join(f',"{name}":{_encode(value)}' for name, value in named.items() if value is not None)
