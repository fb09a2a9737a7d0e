"""The service behind API Gateway: recommendations that know what a user did a second ago."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from mangum import Mangum
from mangum.protocols import LifespanCycle

from segue.aws.clients import Aws
from segue.aws.kept_files import KeptFiles
from segue.doors.aws.gateway_keys import GatewayKeys
from segue.doors.aws.place import now, profiles
from segue.doors.http.app import Parts, make_app
from segue.doors.http.logs import write_lines
from segue.errors import ConfigError
from segue.events.base import EventLog
from segue.events.table_log import TableLog
from segue.flows.aws.followed_home import FollowedHome, Following
from segue.flows.home_parts import MODELS, SNAPSHOTS
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.own_folder import own_folder
from segue.settings import load_settings
from segue.warehouse.s3_client import S3Place

__all__ = ["handler"]

_HOME: Final = Path("/tmp/segue")  # noqa: S108 - a function writes nowhere else, and is alone there
_TEXT: Final = ["text/", "application/json", "application/problem+json"]
_AUTHORIZATION: Final = "authorization"


def handler(invocation: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request that API Gateway passes on (REST API, proxy integration).

    The models and the snapshot are those of SEGUE_PUBLISHED: s3://bucket/prefix, where newer ones
    are looked for each minute, or a folder of the image. What users did since is in the table of
    SEGUE_PROFILE_TABLE. Who asks is the API key that API Gateway has found; see `GatewayKeys`.
    """
    served = _served()
    if served.following is not None:
        served.following.look()
    answer: dict[str, Any] = served.app(_signed(invocation), context)
    return answer


@dataclass(frozen=True)
class _Served:
    app: Mangum
    following: Following | None


class _OnAws(Wiring):
    """A home whose events are in DynamoDB."""

    @cached_property
    def events(self) -> EventLog:
        """What users did."""
        return TableLog(profiles())


@lru_cache(maxsize=1)
def _served() -> _Served:
    home = Path(os.environ.get("SEGUE_HOME", "") or _HOME)
    following = _brought(home)
    settings = load_settings(home=home)
    service = Service.open(_OnAws(settings), clock=now)
    parts = Parts(
        service=service,
        ring=GatewayKeys(Aws()),
        home=home,
        clock=now,
        loopback=False,
        log=write_lines if settings.service.access_log else None,
    )
    app = make_app(parts, settings.service)
    # the service's own lines name routes; mangum's would name who was asked about
    logging.getLogger("mangum.http").setLevel(logging.WARNING)
    LifespanCycle(app, "on").__enter__()  # it ends with the process
    return _Served(Mangum(app, lifespan="off", text_mime_types=_TEXT), following)


def _brought(home: Path) -> Following | None:
    """Models and marts in a home; None: they are those of the image, and stay."""
    place = os.environ.get("SEGUE_PUBLISHED", "")
    if place.startswith("s3://"):
        parsed = S3Place.parse(place)
        following = Following(
            FollowedHome(KeptFiles(Aws(), parsed.bucket, parsed.prefix), home),
            every_s=_seconds("SEGUE_LOOK_SECONDS", 60),
        )
        following.look()
        return following
    if not place or not (Path(place) / MODELS).is_dir():
        raise ConfigError(
            "SEGUE_PUBLISHED names no models",
            field="SEGUE_PUBLISHED",
            cure="Set it to s3://bucket/prefix, or to a folder of the image with models/ in it.",
        )
    own_folder(home)
    for part in (MODELS, SNAPSHOTS):
        if not (home / part).exists():
            (home / part).symlink_to(Path(place) / part)
    return None


def _seconds(name: str, usual: int) -> int:
    told = os.environ.get(name, "") or str(usual)
    if not told.isdecimal():
        raise ConfigError(f"{name} is “{told}”", cure="Give a whole number of seconds.")
    return int(told)


def _signed(invocation: dict[str, Any]) -> dict[str, Any]:
    """The request as if it had brought the key that API Gateway has found, and no other."""
    found = ((invocation.get("requestContext") or {}).get("identity") or {}).get("apiKeyId")
    more = {"Authorization": f"Bearer {found}"} if found else {}
    one = {**_others(invocation.get("headers")), **more}
    many = {**_others(invocation.get("multiValueHeaders"))}
    many |= {name: [value] for name, value in more.items()}
    return {**invocation, "headers": one, "multiValueHeaders": many}


def _others(headers: dict[str, Any] | None) -> dict[str, Any]:
    return {n: v for n, v in (headers or {}).items() if n.lower() != _AUTHORIZATION}


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _served()  # while the function starts, which has more of the processor than a request
