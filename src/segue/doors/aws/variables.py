"""Variables of the environment that are better kept in Secrets Manager."""

from __future__ import annotations

import json
import os
from typing import Final

from segue.aws.clients import Aws
from segue.errors import ConfigError

__all__ = ["read_variables"]

_NAMED: Final = "SEGUE_VARIABLES"
_MAY: Final = ("SPOTIFY_", "SNOWFLAKE_", "SNS_TOPIC_ARN", "LASTFM_API_KEY", "SEGUE_")
_ours: Final[set[str]] = set()


def read_variables() -> None:
    """Put what the secret of SEGUE_VARIABLES holds into the environment, for this invocation.

    The secret is a JSON object of names and values. A function's own environment wins.

    Raises:
        ConfigError: It is no such object, or names a variable that is none of Segue's.
        ServiceError: Secrets Manager refuses or does not answer.
    """
    for name in _ours:
        os.environ.pop(name, None)
    _ours.clear()
    secret = os.environ.get(_NAMED, "")
    if not secret:
        return
    aws = Aws(endpoint_url=os.environ.get("SEGUE_SECRETS__ENDPOINT_URL", ""))
    with aws.explained("Secrets Manager", "read the secret of SEGUE_VARIABLES"):
        found = aws.client("secretsmanager").get_secret_value(SecretId=secret)
    for name, value in _told(found.get("SecretString") or "{}").items():
        if not name.startswith(_MAY):
            raise ConfigError(
                f"the secret of {_NAMED} holds {name}, which Segue does not read",
                field=_NAMED,
                cure=f"It may hold names that begin with {', '.join(_MAY)}.",
            )
        if not os.environ.get(name):
            os.environ[name] = value
            _ours.add(name)


def _told(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise ConfigError(
            f"the secret of {_NAMED} is no JSON object of strings",
            field=_NAMED,
            cure='Write it so: {"SPOTIFY_CLIENT_ID": "…"}.',
        )
    return found
