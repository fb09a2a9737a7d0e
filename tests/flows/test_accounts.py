"""Accounts with tokens and passwords: whose they are, and where they are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from segue.errors import ConfigError
from segue.events.sqlite_log import SqliteLog
from segue.flows.accounts import (
    account_at,
    accounts_at,
    keep_account,
    kept_accounts,
    remove_account,
)
from segue.flows.forget import Whose, forget
from segue.flows.notify import secret_of
from segue.flows.wiring import Wiring
from segue.music.event import Event
from segue.notifications.sent_once import SentOnce
from segue.progress import Silent
from segue.settings import load_settings

TOKEN = "t0ken-of-ben"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def home(folder: Path, **more: Any) -> Wiring:
    return Wiring(load_settings(home=folder, user_id="ann", secrets={"store": "file"}, **more))


def keep(wiring: Wiring, service: str, user_id: str, secret: str = TOKEN) -> None:
    keep_account(
        wiring, service, user_id=user_id, name=f"{user_id}_there", secret=SecretStr(secret)
    )


def test_the_account_of_the_settings_is_only_that_users(tmp_path: Path) -> None:
    wiring = home(tmp_path, listenbrainz={"user": "ann_lb", "token": "t"})
    ann = account_at(wiring, "listenbrainz", "ann")
    assert (ann.name, ann.secret, ann.is_kept) == ("ann_lb", "t", False)
    ben = account_at(wiring, "listenbrainz", "ben")
    assert (ben.name, ben.secret) == ("", "")
    assert not (tmp_path / "secrets").exists()  # no store was opened for it


def test_a_kept_account_counts_before_the_settings_and_leaves_no_trace(tmp_path: Path) -> None:
    wiring = home(tmp_path, subsonic={"user": "ann", "password": "old"})
    keep(wiring, "subsonic", "ben")
    keep(wiring, "subsonic", "ann", "new")
    found = accounts_at(home(tmp_path), "subsonic")
    assert [(one.user_id, one.name, one.secret, one.is_kept) for one in found] == [
        ("ann", "ann_there", "new", True),
        ("ben", "ben_there", TOKEN, True),
    ]
    assert TOKEN not in repr(found)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()
    assert remove_account(wiring, "subsonic", user_id="ben")
    assert not remove_account(wiring, "subsonic", user_id="ben")
    assert list(kept_accounts(wiring)) == [("subsonic", "ann", "ann_there")]


def test_the_api_key_of_the_settings_is_everybodys(tmp_path: Path) -> None:
    wiring = home(tmp_path, lastfm={"api_key": "k" * 32})
    keep(wiring, "lastfm", "ben", "")
    assert account_at(wiring, "lastfm", "ben").secret == "k" * 32
    with pytest.raises(ConfigError, match="API key is missing"):
        keep(home(tmp_path), "lastfm", "ben", "")


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no account at “spotify”") as wrong:
        keep(home(tmp_path), "spotify", "ann")
    assert "segue spotify login" in wrong.value.cure
    with pytest.raises(ConfigError, match="password is missing"):
        keep(home(tmp_path), "subsonic", "ann", " ")
    with pytest.raises(ConfigError, match="name there is missing"):
        keep_account(home(tmp_path), "subsonic", user_id="ann", name=" ", secret=SecretStr(TOKEN))


def test_accounts_and_destinations_go_with_their_user(tmp_path: Path) -> None:
    wiring = home(tmp_path)
    log = SqliteLog(tmp_path / "events" / "events.sqlite")
    log.append([Event("e1", "ben", "t1", "play", NOW)], NOW).result()
    log.close()
    for user in ("ann", "ben"):
        keep(wiring, "listenbrainz", user)
        wiring.secrets.write(secret_of(user), {"phone": f"ntfy://{user}"})
        with SentOnce(wiring.services).once(user, "message", NOW):
            pass
    forget(wiring, Whose("ben"), progress=Silent(), now=NOW)
    after = home(tmp_path)
    assert list(kept_accounts(after)) == [("listenbrainz", "ann", "ann_there")]
    assert not after.secrets.read("listenbrainz/ben")
    assert not after.secrets.read(secret_of("ben"))
    assert after.secrets.read(secret_of("ann"))
    for user, turn in {"ann": "already", "ben": "due"}.items():
        with SentOnce(after.services).once(user, "message", NOW) as found:
            assert found == turn
