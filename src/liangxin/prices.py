"""What tokens cost: the user's own price file. No price is shipped, since prices change and differ by contract.

currency = "CNY"

[models."openai:qwen-max"]
input = 2.4      # for a million prompt tokens
output = 9.6     # for a million completion tokens, reasoning included
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from liangxin.errors import DataError

PRICES_VARIABLE = "LIANGXIN_PRICES"
"""Names the file where no option does."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """Of one model, for a million tokens."""

    input: float
    output: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many tokens. Providers count reasoning among the completion tokens."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices by model, in one currency."""

    currency: str
    models: Mapping[str, TokenPrice]

    def of(self, identity: str) -> TokenPrice | None:
        """The price of a model, by its whole identity (`SPEC@URL`), else by its SPEC; None where none is given."""
        return self.models.get(identity) or self.models.get(identity.partition("@http")[0])


def given_prices(path: str | None) -> PriceList | None:
    """The price list in that file, else in the one that LIANGXIN_PRICES names; None where neither is given.

    Raises:
        DataError: the file cannot be read, or is not as documented.
    """
    path = path or os.environ.get(PRICES_VARIABLE) or None
    return None if path is None else read_prices(path)


def read_prices(path: str) -> PriceList:
    """The price list in a TOML file.

    Raises:
        DataError: the file cannot be read, or is not as documented.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: the price file cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the price file is not TOML: {error}") from None
    for key in content:
        if key not in ("currency", "models"):
            raise DataError(f"{path}: {key}: found a field of no meaning, expected currency and models")
    currency, models = content.get("currency"), content.get("models")
    if not isinstance(currency, str) or not currency.strip():
        raise DataError(f'{path}: currency: found {currency!r}, expected a text such as "CNY"')
    if not isinstance(models, dict) or not models:
        raise DataError(f'{path}: models: found none, expected tables such as [models."openai:NAME"]')
    return PriceList(
        currency=currency.strip(), models={name: _price(path, name, entry) for name, entry in models.items()}
    )


def _price(path: str, name: str, entry: object) -> TokenPrice:
    fields = entry if isinstance(entry, dict) else {}
    if set(fields) != {"input", "output"}:
        found = ", ".join(sorted(fields)) or "none"
        raise DataError(f'{path}: models."{name}": found the fields {found}, expected input and output')
    for field, value in fields.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not isfinite(value) or value < 0:
            raise DataError(
                f'{path}: models."{name}": {field}: found {value!r}, expected 0 or more for a million tokens'
            )
    return TokenPrice(input=float(fields["input"]), output=float(fields["output"]))
