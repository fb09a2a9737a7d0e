"""Writing a model's settings into segue.toml without touching anything else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from segue.errors import ConfigError, StorageError
from segue.flows.settings_file import (
    model_section,
    write_model_section,
    write_table,
    write_values,
)
from segue.recommenders.search_space import Value

BEST: dict[str, Value] = {"n_factors": 96, "regularisation": 0.5, "weight": "log", "fast": True}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "# mine\nuser_id = 'ada'",
        "[plays]\ncounted_ms = 1\n\n[models.ease]\nscaling = 0.5 # good\n",
        "[models.als]\nn_factors = 8\niterations = 3\n\n[plays] # rules\ncounted_ms = 1\n",
        "[ models . als ]\nn_factors = 8\n[[odd]]\nx = 1\n",
    ],
)
def test_only_the_section_changes(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    if text is not None:
        path.write_text(text)
    write_model_section(path, "als", BEST)
    before, after = tomllib.loads(text or ""), tomllib.loads(path.read_text())
    known = before.get("models", {}).get("als", {})
    assert after.pop("models") == {**before.pop("models", {}), "als": {**known, **BEST}}
    assert after == before
    for comment in ("# mine", "# good", "# rules"):
        assert (comment in path.read_text()) == (comment in (text or ""))
    assert [one.name for one in tmp_path.iterdir()] == ["segue.toml"]


@pytest.mark.parametrize(
    "text",
    ["models = { als = { n_factors = 8 } }\n", "models.als.n_factors = 8\n", "user_id = [\n"],
)
def test_what_cannot_be_changed_by_lines_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        write_model_section(path, "als", BEST)
    assert refused.value.cure
    assert path.read_text() == text


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((StorageError, ConfigError)):
        write_model_section(tmp_path / "file" / "segue.toml", "als", BEST)


def test_the_section_as_shown() -> None:
    assert model_section("als", {"n_factors": 96}) == "[models.als]\nn_factors = 96"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "# mine\nuser_id = 'ada' # good\n[recommend] # rules\nsize = 9  # nine\n[plays]\nsize = 1",
        "[recommend]",
        "[recommend]\nper_artist = 3\n[[playlists]]\nsize = 5\n",
        "[plays]\ncounted_ms = 1",
    ],
)
def test_single_values_change_and_nothing_else(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    if text is not None:
        path.write_text(text)
    write_values(path, {"recommend.size": 50, "user_id": 'a "b"', "recommend.adventurous": 0.5})
    before, after = tomllib.loads(text or ""), tomllib.loads(path.read_text())
    before["user_id"] = 'a "b"'
    before.setdefault("recommend", {}).update({"size": 50, "adventurous": 0.5})
    assert after == before
    for comment in ("# mine", "# good", "# rules", "# nine"):
        assert (comment in path.read_text()) == (comment in (text or ""))


@pytest.mark.parametrize(
    "text", ["recommend = { size = 9 }\n", "[recommend]\nsize = [\n 1\n]\n", "recommend.size = 9\n"]
)
def test_values_that_are_written_in_another_way_are_left(text: str, tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not changed here"):
        write_values(path, {"recommend.size": 50})
    assert path.read_text() == text


LISTS = """# mine
user_id = "ada"

[[playlists]]  # first
mix = "daily"
to = [
  "spotify",
]

[[playlists]]
mix = "discover"

[plays]  # rules
counted_ms = 1
"""


def test_tables_of_a_list_are_added_changed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    write_table(path, "playlists", 0, {"mix": "daily", "to": ['a "b".m3u']})
    assert tomllib.loads(path.read_text()) == {"playlists": [{"mix": "daily", "to": ['a "b".m3u']}]}
    path.write_text(LISTS)
    write_table(path, "playlists", 2, {"name": "ß", "adventurous": 0.5, "size": 3})
    write_table(path, "playlists", 0, {"mix": "rediscover"})
    write_table(path, "playlists", 1, None)
    assert tomllib.loads(path.read_text()) == {
        "user_id": "ada",
        "playlists": [{"mix": "rediscover"}, {"name": "ß", "adventurous": 0.5, "size": 3}],
        "plays": {"counted_ms": 1},
    }
    assert "# mine" in path.read_text()
    assert "# rules" in path.read_text()
    write_table(path, "playlists", 1, None)
    write_table(path, "playlists", 0, None)
    assert "playlists" not in tomllib.loads(path.read_text())


@pytest.mark.parametrize("text", ['playlists = [{mix = "daily"}]\n', "playlists = 3\n", "x = [\n"])
def test_lists_that_are_not_tables_are_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "segue.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        write_table(path, "playlists", 0, {"mix": "discover"})
    with pytest.raises(ConfigError):
        write_table(path, "playlists", 7, None)
    assert path.read_text() == text
