"""The user's language: which one it is, and a sentence of the package in it.

Sentences are English where they are made. Here they meet the catalogue (TOML files beside this one): the English text
with named holes, as it stands in the code, and the Chinese one with the same holes. What no entry fits stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

CHOSEN = "LANGUAGE"
"""The variable that says it above all others, as for gettext; what a command starts speaks the same."""
_VARIABLES = (CHOSEN, "LC_ALL", "LC_MESSAGES", "LANG")


def language(environment: Mapping[str, str] = os.environ) -> str:
    """The user's language, `zh` or `en`: of the first variable that is set, English where none says Chinese.

    The order is gettext's (GNU gettext manual, 2.3 Setting the Locale).
    """
    told = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return "zh" if told.lower().startswith("zh") else "en"


def in_language(sentence: str) -> str:
    """A sentence in the user's language; as it is where the catalogue does not know it."""
    from liangxin.languages.catalogue import opened

    return opened(language()).said(sentence)


def words_of(*areas: str) -> Mapping[str, str]:
    """What the catalogue says of fixed texts of some areas, such as the help of the commands; nothing in English."""
    from liangxin.languages.catalogue import opened

    return opened(language(), *areas).fixed
