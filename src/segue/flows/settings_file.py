"""Writing single settings, or one model's section, into segue.toml, and nothing else."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from segue.errors import ConfigError, StorageError
from segue.recommenders.search_space import Value
from segue.warehouse.storage import make_folder

__all__ = ["model_section", "write_model_section", "write_table", "write_values"]


def model_section(model: str, values: Mapping[str, Value]) -> str:
    """The section as it stands in the file.

    >>> print(model_section("als", {"n_factors": 96}))
    [models.als]
    n_factors = 96
    """
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    return "\n".join([f"[models.{model}]", *lines])


def write_model_section(path: Path, model: str, values: Mapping[str, Value]) -> None:
    """Put the settings of one model into the file, by one rename; other lines stay as they are.

    Settings of the model that are not among `values` are kept.

    Raises:
        ConfigError: The file is no TOML, or says it in a way that cannot be changed by lines.
        StorageError: It cannot be written; nothing was changed.
    """
    text = _text(path)
    before = _parsed(text, path)
    models = before.get("models", {})
    known = models.get(model, {}) if isinstance(models, dict) else {}
    wanted = {**(known if isinstance(known, dict) else {}), **values}
    changed = _changed(text, model, model_section(model, wanted))
    expected = {**before, "models": {**before.get("models", {}), model: wanted}}
    try:
        right = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        raise ConfigError(
            f"{path}: the settings of {model} are written in a way that is not changed here",
            field=f"models.{model}",
            cure="Write them yourself: " + "; ".join(model_section(model, values).splitlines()),
        )
    _replace(path, changed)


def write_values(path: Path, values: Mapping[str, Value]) -> None:
    """Put single settings into the file, by one rename; all else stays, comments as well.

    Args:
        values: Name of a setting, such as “recommend.size” -> its value.

    Raises:
        ConfigError: The file is no TOML, or says it in a way that cannot be changed by lines.
        StorageError: It cannot be written; nothing was changed.
    """
    text = _text(path)
    expected, changed = _parsed(text, path), text
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        part: Any = expected.setdefault(section, {}) if section else expected
        if isinstance(part, dict):
            part[key] = value
        changed = _with_value(changed, section, key, _toml(value))
    try:
        right = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        raise ConfigError(
            f"{path}: settings are written in a way that is not changed here",
            field=next(iter(values), "settings"),
            cure="Write them yourself: "
            + "; ".join(f"{name} = {_toml(value)}" for name, value in values.items()),
        )
    if changed != text:
        _replace(path, changed)


def write_table(path: Path, name: str, place: int, values: Mapping[str, Any] | None) -> None:
    """Change, add or remove one table of a list such as [[playlists]], by one rename.

    All else stays, comments as well; those inside of the table that is changed go with it.

    Args:
        place: Which of the list, from 0; its length: a new one at the end.
        values: What it holds from now on; None: it is removed.

    Raises:
        ConfigError: The file is no TOML, or says the list in a way that cannot be changed by lines,
            or there is no such table.
        StorageError: It cannot be written; nothing was changed.
    """
    text = _text(path)
    expected = _parsed(text, path)
    before = expected.pop(name, [])
    blocks = _blocks(text, name)
    if not isinstance(before, list) or len(blocks) != len(before) or place > len(before):
        raise _not_by_lines(path, name)
    told, new = "", []
    if values is not None:
        told = _table(name, values)
        new = [{key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}]
    after = [*before[:place], *new, *before[place + 1 :]]
    if place == len(before):
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        changed = f"{text}{gap}{told}"
    else:
        begin, end = blocks[place]
        changed = text[:begin] + told + ("\n" if told and text[end:] else "") + text[end:]
    if after:
        expected[name] = after
    try:
        right = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        raise _not_by_lines(path, name)
    if changed != text:
        _replace(path, changed)


def _not_by_lines(path: Path, name: str) -> ConfigError:
    return ConfigError(
        f"{path}: {name} are written in a way that is not changed here, or have changed meanwhile",
        field=name,
        cure=f"Change the tables [[{name}]] in the file itself.",
    )


def _blocks(text: str, name: str) -> list[tuple[int, int]]:
    """Where each table of a list begins and ends."""
    header = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(name)}[ \t]*\]\][^\n]*$", re.MULTILINE)
    found = []
    for begin in header.finditer(text):
        after = _ANY_HEADER.search(text, begin.end())
        found.append((begin.start(), after.start() if after else len(text)))
    return found


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    return "\n".join([f"[[{name}]]", *lines]) + "\n"


def _with_value(text: str, section: str, key: str, value: str) -> str:
    """The text with one value in its place, or in a new line or section."""
    found = _header(section).search(text) if section else None
    if section and found is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[{section}]\n{key} = {value}\n"
    begin = text.find("\n", found.end()) + 1 if found else 0
    if found and not begin:  # the header is the last line, and does not end
        return f"{text}\n{key} = {value}\n"
    after = _ANY_HEADER.search(text, begin)
    end = after.start() if after else len(text)
    line = re.compile(
        rf"^([ \t]*{re.escape(key)}[ \t]*=[ \t]*)"
        r"(\"[^\"\n\\]*\"|'[^'\n]*'|[^\s#\"'\[{]+)([ \t]*(?:#[^\n]*)?)$",
        re.MULTILINE,
    )
    old = line.search(text, begin, end)
    if old is None:
        return f"{text[:begin]}{key} = {value}\n{text[begin:]}"
    return f"{text[: old.start(2)]}{value}{text[old.end(2) :]}"


_ANY_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)


def _header(section: str) -> re.Pattern[str]:
    dotted = r"[ \t]*\.[ \t]*".join(re.escape(part) for part in section.split("."))
    return re.compile(rf"^[ \t]*\[[ \t]*{dotted}[ \t]*\][^\n]*$", re.MULTILINE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", field="models", cure="Mend the file or move it away."
        ) from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", field="models", cure="Mend the file or move it away."
        ) from error


def _changed(text: str, model: str, section: str) -> str:
    """The text with the section in the place of the old one, or at its end."""
    found = _header(f"models.{model}").search(text)
    if found is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{section}\n"
    after = _ANY_HEADER.search(text, found.end())
    rest = text[after.start() :] if after else ""
    return f"{text[: found.start()]}{section}\n" + (f"\n{rest}" if rest else "")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _replace(path: Path, text: str) -> None:
    path = path.resolve()
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_folder(path.parent)
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            aside.chmod(path.stat().st_mode & 0o777)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}",
            cure="Mend the permissions of the folder; nothing was changed.",
        ) from error
