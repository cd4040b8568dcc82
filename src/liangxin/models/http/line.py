"""The line to one HTTP endpoint: its address, key, headers and proxy, connected on first use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from liangxin import __version__
from liangxin.errors import UsageError
from liangxin.models.base import ModelHost
from liangxin.models.http.address import Address, Proxy
from liangxin.models.http.pacing import lane_to
from liangxin.models.http.streamed import StreamingAsker
from liangxin.models.http.transport import AiohttpTransport
from liangxin.models.http.waiting import Patience
from liangxin.models.scrub import Secrets, basic_credentials
from liangxin.specs import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request carries besides its body, and what to say where that is not enough."""

    address: Address
    headers: Mapping[str, str] = field(repr=False)
    """The key is in one of them."""
    key: str | None = field(repr=False)
    variable: str
    """The environment variable that holds the key where none is named."""
    proxy: Proxy | None = None


class EndpointLine:
    """Connects to one endpoint on first use. The connections belong to the loop of the first request."""

    def __init__(
        self,
        access: Access,
        endpoint: Endpoint,
        patience: Patience | None = None,
        kind: type[StreamingAsker] = StreamingAsker,
    ) -> None:
        """Prepare everything that requests share; nothing is connected yet.

        Args:
            patience: by default the endpoint's retries with the usual waits.
            kind: the asker that reads this endpoint's protocol.
        """
        self._access = access
        self._endpoint = endpoint
        self._patience = patience or Patience(retries=endpoint.retries)
        self._kind = kind
        self._secrets = Secrets(_secrets(access))
        self._asker: StreamingAsker | None = None

    def place(self, variable: str) -> ModelHost:
        """Where the requests go.

        Args:
            variable: the environment variable that may have named it, where no option did.
        """
        address = self._access.address
        chosen = bool(self._endpoint.base_url or os.environ.get(variable))
        return ModelHost(host=address.host, loopback=address.loopback, chosen=chosen)

    def asker(self) -> StreamingAsker:
        """The asker, connected if it was not; needs a running loop."""
        if self._asker is None:
            self._asker = self._open()
        return self._asker

    def sparing(self) -> AbstractContextManager[None]:
        """See `Hosted`."""
        return self.asker().sparing()

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        asker, self._asker = self._asker, None
        if asker is not None:
            await asker.aclose()

    def _open(self) -> StreamingAsker:
        access = self._access
        transport = AiohttpTransport(
            access.address.url,
            access.headers,
            timeout=self._endpoint.timeout,
            proxy=access.proxy.url if access.proxy else None,
            proxy_authorization=access.proxy.authorization if access.proxy else None,
        )
        return self._kind(
            transport,
            lane=lane_to(
                access.address.host, access.key or ":".join(access.address.credentials or ()), self._endpoint
            ),
            patience=self._patience,
            secrets=self._secrets,
            denied=f"{access.address.host} refused access: check the key in {access.variable} or the variable "
            "that --api-key-env names (for a judge LIANGXIN_JUDGE_API_KEY or --judge-api-key-env)",
        )


def usable_key(key: str | None) -> str | None:
    """The key without white space around it; None where there is none.

    Raises:
        UsageError: no header can carry it.
    """
    key = (key or "").strip()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            "the API key holds a line break or a character that no HTTP header can carry: export it again"
        )
    return key


def json_headers() -> dict[str, str]:
    """The headers of every request, without a key."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": f"liangxin/{__version__}",
    }


def _secrets(access: Access) -> tuple[str | None, ...]:
    credentials = access.address.credentials
    return (
        access.key,
        *(credentials or ()),
        basic_credentials(*credentials) if credentials else None,
        *access.address.query_secrets,
        *(access.proxy.secrets if access.proxy else ()),
    )
