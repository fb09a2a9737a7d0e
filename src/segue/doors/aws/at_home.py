"""What handlers share that work on a data home: it comes from S3, and goes back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from segue.aws.clients import Aws
from segue.doors.aws.place import now
from segue.doors.aws.variables import read_variables
from segue.doors.http.arenas import give_back, one_arena
from segue.errors import ConfigError, SegueError
from segue.flows.aws.kept_home import KeptHome
from segue.flows.spotify.sign_in import adopt
from segue.flows.wiring import Wiring
from segue.settings import Settings, load_settings

__all__ = ["AtHome", "asked_of", "at_home", "failed", "forget_homes"]

_HOME: Final = Path("/tmp/segue")  # noqa: S108 - a function writes nowhere else, and is alone there
_A_WHOLE_CORE: Final = 1769  # MB: with so much a function has a whole core
_FEW_THREADS: Final = 2
_USUAL_MB: Final = 512
_OF_MEMORY: Final = 0.3
_LONGEST: Final = timedelta(minutes=15)
_MARGIN: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class AtHome:
    """A home that is ours.

    Args:
        wiring: Its objects.
        kept: Where it is kept.
    """

    wiring: Wiring
    kept: KeptHome

    def step_done(self) -> None:
        """Keep what was done, and give back the memory that it took: the next step wants it."""
        self.kept.save()
        give_back()

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self.wiring.settings


@contextmanager
def at_home(context: object) -> Iterator[AtHome]:
    """Have the home of SEGUE_STATE (s3://bucket/prefix) until the handler is done.

    What can be said of a function without being told is: secrets are in Secrets Manager, Snowflake
    is the warehouse where there is an account, DuckDB takes three tenths of the memory and plans
    ahead, since dbt alone would take as much again.

    Raises:
        ConfigError: A setting is missing or cannot be used.
        BusyError: Another invocation is at work.
        ServiceError: S3 or Secrets Manager refuses or does not answer.
    """
    one_arena()  # before anything begins a thread: what each heap keeps back adds up
    read_variables()
    home = Path(os.environ.get("SEGUE_HOME", "") or _HOME)
    kept = _kept(_state(), home)
    began = now()
    with kept.opened(now=began, until=began + _left(context)):
        wiring = Wiring(_settings(home))
        try:
            _know_sign_in(wiring)
            yield AtHome(wiring, kept)
        finally:
            if "http" in vars(wiring):
                wiring.http.close()


def asked_of(invocation: object) -> Mapping[str, Any]:
    """What an invocation asks for: its own fields, or those that a rule of EventBridge passes on.

    Raises:
        ConfigError: It is no object.
    """
    asked = invocation
    if isinstance(asked, Mapping) and "detail-type" in asked:
        asked = asked.get("detail")
    if not isinstance(asked, Mapping | None):
        raise ConfigError("the invocation is no JSON object", cure="Send {}.")
    return asked or {}


def failed(what: str, faults: list[tuple[str, str, str]]) -> SegueError:
    """The error that ends an invocation as failed: where, what happened, and the cures.

    Args:
        faults: Where, message and cure of each.
    """
    said = "; ".join(f"{where}: {message}" for where, message, _ in faults)
    cures = dict.fromkeys(cure for *_, cure in faults if cure)
    return SegueError(f"{what} did not go well: {said}", cure=" ".join(cures))


def _state() -> str:
    found = os.environ.get("SEGUE_STATE", "")
    if not found:
        raise ConfigError(
            "SEGUE_STATE is not set",
            field="SEGUE_STATE",
            cure="Set it to s3://bucket/prefix, a place of this function's own.",
        )
    return found


@lru_cache(maxsize=4)
def _kept(address: str, home: Path) -> KeptHome:
    aws = Aws(endpoint_url=os.environ.get("SEGUE_S3__ENDPOINT_URL", ""))
    return KeptHome(aws, address, home)


def forget_homes() -> None:
    """Begin as after a cold start: nothing is known of what lies here."""
    _kept.cache_clear()


def _left(context: object) -> timedelta:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return _LONGEST if remaining is None else timedelta(milliseconds=remaining()) + _MARGIN


def _settings(home: Path) -> Settings:
    told = load_settings(home=home)
    usual: dict[str, Any] = {}
    if "store" not in told.secrets.model_fields_set:
        usual["secrets"] = {"store": "aws"}
    if "warehouse" not in told.model_fields_set and told.snowflake.account:
        usual["warehouse"] = "snowflake"
    memory = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", _USUAL_MB))
    if "memory_limit" not in told.model_fields_set:
        usual["memory_limit"] = f"{memory * _OF_MEMORY:.0f}MB"
    if memory < _A_WHOLE_CORE:  # each thread holds memory, and there is no core for it
        if "threads" not in told.model_fields_set:
            usual["threads"] = _FEW_THREADS
        if "threads" not in told.training.model_fields_set:
            usual["training"] = {"threads": _FEW_THREADS}
    if "plan_at" not in told.duckdb.model_fields_set:
        usual["duckdb"] = {"plan_at": 0}
    if "playlists" not in told.model_fields_set:
        usual["playlists"] = [{"mix": "discover", "to": ["spotify"]}]
    if not told.lake.startswith("s3://"):
        raise ConfigError(
            "the lake of a function must be on S3: its own storage is gone with it",
            field="lake",
            cure="Set SEGUE_LAKE=s3://bucket/prefix.",
        )
    return load_settings(home=home, **usual)


def _know_sign_in(wiring: Wiring) -> None:
    """Let the home know of a sign-in that was made on somebody's own computer."""
    adopt(wiring.spotify(now), wiring.settings.user_id)
