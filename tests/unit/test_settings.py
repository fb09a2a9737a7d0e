"""Settings: where they come from, which wins, and that the docs know every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic import BaseModel

from segue.errors import ConfigError
from segue.settings import Settings, load_settings

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working folder without any settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path


def test_the_defaults_run_without_any_configuration(alone: Path) -> None:
    settings = load_settings()
    assert settings.home == alone / "home"
    assert settings.user_id == "me"
    assert settings.plays.counted_ms == 30_000


def test_spotify_api_content_is_not_learned_from_by_default(alone: Path) -> None:
    assert "spotify_api" not in load_settings().training.sources


def test_what_is_left_out_of_training_is_installed(alone: Path) -> None:
    installed = {point.name for point in entry_points(group="segue.recommenders")}
    assert set(load_settings().training.left_out) < installed


def test_an_argument_beats_the_environment_beats_the_file(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "home" / "segue.toml").write_text('user_id = "file"\n[plays]\ncounted_ms = 1000\n')
    assert load_settings().user_id == "file"
    monkeypatch.setenv("SEGUE_USER_ID", "environment")
    assert load_settings().user_id == "environment"
    assert load_settings().plays.counted_ms == 1000
    assert load_settings(user_id="argument").user_id == "argument"


def test_part_of_a_group_from_the_environment_leaves_the_rest_of_the_file(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "home" / "segue.toml").write_text("[recommend]\nsize = 50\nper_artist = 1\n")
    monkeypatch.setenv("SEGUE_RECOMMEND__SIZE", "12")
    assert load_settings().recommend.size == 12
    assert load_settings().recommend.per_artist == 1


def test_a_file_in_the_working_folder_comes_before_the_one_in_the_home(alone: Path) -> None:
    (alone / "home" / "segue.toml").write_text('user_id = "home"\n')
    (alone / "segue.toml").write_text('user_id = "here"\n')
    assert load_settings().user_id == "here"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[plays]\ncounted_ms = -1\n", "plays.counted_ms"),
        ("[plays]\nconted_ms = 1\n", "plays.conted_ms"),
        ("[recommend]\nadventurous = 2\n", "recommend.adventurous"),
        ("user_id = [", "segue.toml"),
        ('user_id = ""\n', "user_id"),
        ('memory_limit = "lots"\n', "memory_limit"),
    ],
)
def test_a_bad_value_is_refused_by_name(alone: Path, text: str, named: str) -> None:
    (alone / "segue.toml").write_text(text)
    with pytest.raises(ConfigError, match=named):
        load_settings()


@pytest.mark.parametrize(
    "text",
    [
        '[postgresql]\npasswrod = "hidden"\n',
        '[postgresql]\npassword = ["hidden"]\n',
        '[postgresql]\nurl = {password = "hidden"}\n',
        'postgresql = "postgresql://me:hidden@here/db"\n',
    ],
)
def test_a_bad_value_beside_a_password_is_not_shown(alone: Path, text: str) -> None:
    (alone / "segue.toml").write_text(text)
    with pytest.raises(ConfigError, match="postgresql") as fault:
        load_settings()
    assert "hidden" not in str(fault.value)


def test_a_password_is_masked_wherever_settings_are_shown(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_POSTGRESQL__PASSWORD", "hidden")
    settings = load_settings()
    assert "hidden" not in repr(settings) + settings.model_dump_json()
    assert settings.section("postgresql")["password"].get_secret_value() == "hidden"
    assert settings.section("duckdb") == {"plan_at": 200_000}
    assert settings.section("lake") == settings.section("models") == {}


def test_a_list_in_the_environment_is_json(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_TRAINING__SOURCES", '["lastfm", "spotify_api"]')
    assert load_settings().training.sources == ("lastfm", "spotify_api")
    monkeypatch.setenv("SEGUE_TRAINING__SOURCES", "lastfm")
    with pytest.raises(ConfigError, match="environment"):
        load_settings()


def _names(model: type[BaseModel], *before: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names(kind, *before, name)
        else:
            yield ".".join((*before, name))


def test_every_setting_is_documented_with_its_environment_name() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name in _names(Settings):
        assert f"| `{name}` |" in text
        assert f"`SEGUE_{name.upper().replace('.', '__')}`" in text
