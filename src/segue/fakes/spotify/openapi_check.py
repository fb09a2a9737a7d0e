"""Compares requests and answers with Spotify's OpenAPI description, strictly.

Stricter than the description by itself: an answer may hold no field that is unknown or deprecated
there, and a request that was accepted may hold no parameter or field that is unknown there. What
is known to differ from it is listed in `EXCEPTIONS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segue.errors import ConfigError
from segue.fakes.messages import Answer, Request

if TYPE_CHECKING:
    from jsonschema_rs import Draft4Validator

__all__ = ["EXCEPTIONS", "OpenApi", "load_openapi"]

Json = dict[str, Any]

EXCEPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "may be null": {
        "PlaylistTrackObject.item": "a track that is gone",
        "PlayHistoryObject.track": "a track that is gone",
        "PlayHistoryObject.context": "the description says “can be null” only in words",
        "CurrentlyPlayingContextObject.context": "the same",
        "CurrentlyPlayingContextObject.item": "the same",
        "CurrentlyPlayingObject.context": "the same",
        "CurrentlyPlayingObject.item": "the same",
        "QueueObject.currently_playing": "nothing is on",
        "CursorObject.after": "the last page",
        "CursorPagingObject.next": "the same",
        "CursorPagingObject.cursors": "null when there are no items",
        "TrackObject.id": "local files",
        "TrackObject.href": "local files",
        "SimplifiedArtistObject.id": "local files",
        "SimplifiedArtistObject.href": "local files",
        "SimplifiedArtistObject.uri": "local files",
        "AlbumBase.id": "local files",
        "AlbumBase.href": "local files",
        "AlbumBase.uri": "local files",
    },
    "not required": {
        "AlbumBase.album_type": "local files",
        "AlbumBase.total_tracks": "local files",
        "AlbumBase.release_date": "local files",
        "AlbumBase.release_date_precision": "local files",
    },
    "also there": {
        "ErrorObject.reason": "QUOTA_EXCEEDED since July 2026; the player has others",
        "DisallowsObject.disallows": "the API has one level more than its description",
    },
    "wrapped": {
        "PUT /me/library 400": "errors are within “error”, as everywhere else",
        "DELETE /me/library 400": "the same",
        "GET /me/library/contains 400": "the same",
    },
    "statuses": {
        "400": "malformed requests, everywhere",
        "404": "things that are not there",
        "501": "what the stand-in does not do",
        "405": "a method that the path does not know",
        "413": "a cover that is too large",
        "204 GET /me/player/currently-playing": "nothing is on",
    },
}
"""What the real API is known to do beside its description, with the reason."""


class OpenApi:
    """The description, ready to compare with.

    Args:
        document: The OpenAPI 3.0 document.
    """

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas = document["components"]["schemas"]
        self._resolved: dict[str, Json] = {}
        self._validators: dict[str, Draft4Validator] = {}
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), path) for path in document["paths"]
        ]

    def faults_of(self, request: Request, given: Answer) -> list[str]:
        """What is not as described, one sentence each, with the request they are about."""
        path = self._path_of(request.path.removeprefix("/v1"))
        asked = f"{request.method} {path or request.path}"
        operation = self._document["paths"].get(path, {}).get(request.method.lower())
        if operation is None or operation.get("deprecated"):
            if given.status < 400:
                return [f"{asked}: answered {given.status}, but there is no such operation"]
            return []
        found = self._of_answer(asked, operation, given, cut="fields" in request.query)
        if given.status < 400:
            found += self._of_query(operation, request) + self._of_body(asked, operation, request)
        return [f"{asked}: {fault}" for fault in found]

    def _path_of(self, path: str) -> str:
        fitting = [told for pattern, told in self._paths if pattern.fullmatch(path)]
        return min(fitting, key=lambda told: told.count("{"), default="")

    def _of_answer(self, asked: str, operation: Json, given: Answer, *, cut: bool) -> list[str]:
        told = operation["responses"].get(str(given.status))
        if told is None:
            known = EXCEPTIONS["statuses"]
            if str(given.status) in known:
                told = self._document["components"]["responses"]["BadRequest"]
            elif f"{given.status} {asked}" in known:
                told = {}
            else:
                return [f"answered {given.status}, which is not described"]
        told = self._followed(told)
        if f"{asked} {given.status}" in EXCEPTIONS["wrapped"]:
            told = self._document["components"]["responses"]["BadRequest"]
        schema = told.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return [f"answered {len(given.body)} bytes where none are described"] * bool(given.body)
        name = f"{asked} {given.status}"
        return self._compared(name, schema, given.body, "part" if cut else "answer")

    def _of_query(self, operation: Json, request: Request) -> list[str]:
        told = [self._followed(one) for one in operation.get("parameters", [])]
        known = {one["name"]: one for one in told if one["in"] == "query"}
        found = [f"unknown parameter “{name}”" for name in request.query if name not in known]
        for name, one in known.items():
            if name in request.query:
                found += _parameter_faults(name, one["schema"], request.query[name])
            elif one.get("required"):
                found.append(f"parameter “{name}” is missing")
        return found

    def _of_body(self, asked: str, operation: Json, request: Request) -> list[str]:
        told = operation.get("requestBody", {}).get("content", {})
        if not told:
            return ["a body where none is described"] * bool(request.body)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if request.body and kind not in told:
            return [f"a body of type “{kind}” where one of {', '.join(told)} is described"]
        if not request.body or "application/json" not in told:
            return []
        return self._compared(asked, told[kind]["schema"], request.body, "request")

    def _compared(self, name: str, schema: Json, body: bytes, what: str) -> list[str]:
        from jsonschema_rs import Draft4Validator

        key = f"{what} {name}"
        if key not in self._validators:
            strict = self._strict(schema)
            self._validators[key] = Draft4Validator(
                _loose(strict) if what == "part" else strict, validate_formats=True
            )
        try:
            value = json.loads(body)
        except ValueError:
            return [f"the {what} is no JSON"]
        return [
            f"the {what} at /{'/'.join(str(step) for step in error.instance_path)}: {error.message}"
            for error in self._validators[key].iter_errors(value)
        ]

    def _followed(self, told: Json) -> Json:
        if "$ref" not in told:
            return told
        found: Any = self._document
        for step in told["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self._followed(found)

    def _strict(self, schema: Json) -> Json:
        """The schema without references, closed to fields that are not told of."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in self._resolved:
                self._resolved[name] = self._named(name)
            return self._resolved[name]
        made: Json = {}
        for part in schema.get("allOf", ()):
            made = _merged(made, self._strict(part))
        own = {
            k: v
            for k, v in schema.items()
            if k in ("type", "enum", "required", "minimum", "maximum", "format")
        }
        if "properties" in schema:
            kept = {k: v for k, v in schema["properties"].items() if not v.get("deprecated")}
            own["properties"] = {name: self._strict(told) for name, told in kept.items()}
        if "items" in schema:
            own["items"] = self._strict(schema["items"])
        if "oneOf" in schema:
            own["anyOf"] = [self._strict(told) for told in schema["oneOf"]]
        made = _merged(made, own)
        if "properties" in made:
            made["additionalProperties"] = False
            required = [one for one in made.pop("required", ()) if one in made["properties"]]
            made |= {"required": required} if required else {}
        return _or_null(made) if schema.get("nullable") else made

    def _named(self, name: str) -> Json:
        made = self._strict(self._schemas[name])
        made = {**made, "properties": dict(made.get("properties", {}))}
        for field, told in made["properties"].items():
            if f"{name}.{field}" in EXCEPTIONS["may be null"]:
                made["properties"][field] = _or_null(told)
        made["properties"] |= {field: {} for field in _excepted("also there", name)}
        left_out = _excepted("not required", name)
        made["required"] = [one for one in made.get("required", ()) if one not in left_out]
        return {key: told for key, told in made.items() if told or key not in _NOT_EMPTY}


_NOT_EMPTY: Final = ("required", "properties")


def _excepted(kind: str, name: str) -> list[str]:
    """The fields of an object that are an exception of a kind."""
    return [one.partition(".")[2] for one in EXCEPTIONS[kind] if one.startswith(f"{name}.")]


def _merged(one: Json, other: Json) -> Json:
    made = {**one, **other}
    if "properties" in one and "properties" in other:
        made["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        made["required"] = sorted({*one["required"], *other["required"]})
    return made


def _loose(told: Any) -> Any:
    """The same with nothing required, for an answer that was cut down to some fields."""
    if isinstance(told, list):
        return [_loose(one) for one in told]
    if not isinstance(told, dict):
        return told
    kept = {k: v for k, v in told.items() if k != "required" or not isinstance(v, list)}
    return {name: _loose(one) for name, one in kept.items()}


def _or_null(told: Json) -> Json:
    if isinstance(told.get("type"), str) and "enum" not in told:
        return {**told, "type": [told["type"], "null"]}
    return {"anyOf": [told, {"type": "null"}]}


def _parameter_faults(name: str, schema: Json, value: str) -> list[str]:
    if schema.get("type") == "integer":
        if not re.fullmatch(r"-?\d+", value):
            return [f"parameter “{name}” is no whole number"]
        if not schema.get("minimum", -(10**20)) <= int(value) <= schema.get("maximum", 10**20):
            return [f"parameter “{name}” is out of range: {value}"]
    allowed = schema.get("items", {}).get("enum") or schema.get("enum")
    if allowed and not set(value.split(",")) <= set(allowed):
        return [f"parameter “{name}” is not among {', '.join(allowed)}: {value}"]
    return []


@lru_cache(maxsize=4)
def load_openapi(path: Path) -> OpenApi:
    """Read the description.

    Args:
        path: An OpenAPI 3.0 file in YAML or JSON.

    Raises:
        ConfigError: It cannot be read, or what compares is not installed.
    """
    try:
        import jsonschema_rs  # noqa: F401 - to say at once when it is missing
        import yaml
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed",
            field="openapi",
            cure="Install jsonschema-rs, or leave the description out.",
        ) from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            document = yaml.load(file, Loader=loader)  # noqa: S506 - a safe loader, in C if there
        return OpenApi(document)
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} is no OpenAPI description: {error}", field="openapi", cure="Name another file."
        ) from error
