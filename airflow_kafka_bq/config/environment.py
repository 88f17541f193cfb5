"""``${NAME}`` in the settings of a client: a job file is committed to a repository, a password is not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from airflow_kafka_bq.exceptions import ConfigError

# "$${" is a plain "${"; what else begins with "${" is a slip, and handing it to the client would be a wrong password.
_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


def expanded(section: str, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings with every ``${NAME}`` replaced; what comes from the environment is taken as it is.

    :param section: ``kafka`` or ``bigquery``, for the message.
    :raises ConfigError: a variable is not set, or the reference is malformed. Names the setting, never a value.
    """
    known = os.environ if environ is None else environ

    def value(setting: str, text: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            name = match["name"]
            if match[0] == "$${":
                return "${"
            if name is None:
                message = f"{section}.{setting}: ${{ is not followed by a name and }}"
                raise ConfigError(message, remedy="write ${NAME}, or $${ for a plain ${")
            if name not in known:
                message = f"{section}.{setting}: the environment variable {name} is not set"
                raise ConfigError(message, remedy=f"set {name}, or write $${{ for a plain ${{")
            return known[name]

        return _REFERENCE.sub(replaced, text)

    return {name: value(name, found) if isinstance(found, str) else found for name, found in settings.items()}
