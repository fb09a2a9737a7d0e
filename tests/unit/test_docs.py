"""The documentation speaks of what exists: links, commands, options, adapters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer.main

from segue.doors.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _commands(group: Any, *before: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *before, name)
        else:
            yield (*before, name), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for words in COMMANDS:
        assert f"segue {' '.join(words)}" in text


def _invocations(text: str) -> Iterator[list[str]]:
    for block in re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("#")[0].split("&&"):
                words = part.replace("$ ", "").split()
                if words and words[0].rpartition("/")[2] == "segue":
                    yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_the_pages_exist_with_their_options(page: Path) -> None:
    for words in _invocations(page.read_text(encoding="utf-8")):
        while words and words[0].startswith("-"):  # --home DIR stands before the command
            words = words[2:] if words[0] == "--home" else words[1:]
        found = [name for name in COMMANDS if tuple(words[: len(name)]) == name]
        assert found or not words, f"{page.name}: segue {' '.join(words)}"
        options = {o for name in found for param in COMMANDS[name].params for o in param.opts}
        for word in words:
            if re.match(r"--?[a-z]", word):
                assert word.partition("=")[0] in options, f"{page.name}: {' '.join(words)}"


@pytest.mark.parametrize("group", sorted(PROJECT["entry-points"]))
def test_every_adapter_that_is_promised_can_be_loaded(group: str) -> None:
    installed = {entry.name: entry for entry in entry_points(group=group)}
    for name, value in PROJECT["entry-points"][group].items():
        assert installed[name].value == value
        assert installed[name].load()
