"""What the page is made of: cookies, passwords, attempts, addresses of static files, tokens."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from segue import palette
from segue.access.passwords import Passwords
from segue.doors.web.attempts import Attempts
from segue.doors.web.sessions import Session, Sessions, page_secret
from segue.doors.web.static_files import StaticFiles
from segue.errors import ConfigError, StorageError

STATIC = Path(__file__).parents[2] / "src" / "segue" / "doors" / "web" / "static"


def test_a_password_opens_for_its_user_alone(tmp_path: Path) -> None:
    kept = Passwords(tmp_path / "access" / "passwords.json")
    assert not kept.any
    kept.set("ann", "a long enough one")
    assert kept.check("ann", "a long enough one")
    assert not kept.check("ann", "a long enough two")
    assert not kept.check("bob", "a long enough one")
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert "long enough" not in kept.path.read_text()
    before = kept.mark("ann")
    Passwords(kept.path).set("ann", "quite another one")
    assert kept.mark("ann") not in ("", before)
    assert kept.forget("ann")
    assert kept.mark("ann") == ""


def test_a_password_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="8 to 1,000"):
        Passwords(tmp_path / "passwords.json").set("ann", "short")


def test_a_cookie_is_read_by_the_home_that_wrote_it(tmp_path: Path) -> None:
    ours = Sessions(page_secret(tmp_path / "secret"), days=30, https=True)
    session = Session.new("ann", key_id="0123456789ab")
    cookie = ours.cookie(session)
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure"))
    value = cookie.partition("=")[2].partition(";")[0]
    again = Sessions(page_secret(tmp_path / "secret"), days=30, https=True)
    assert again.read(value) == session
    assert again.proves(session, ours.token(session))
    assert not again.proves(Session.new("ann"), ours.token(session))
    other = Sessions(page_secret(tmp_path / "other"), days=30, https=True)
    assert other.read(value) is None
    assert again.read(value[:-1]) is None
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_damaged_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(StorageError, match="damaged"):
        page_secret(tmp_path / "secret")


def test_after_five_wrong_attempts_an_address_waits() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0], each=5, all_=8)
    for _ in range(5):
        assert attempts.wait_s("1.2.3.4") == 0
        attempts.failed("1.2.3.4")
    assert attempts.wait_s("1.2.3.4") == 300
    assert attempts.wait_s("5.6.7.8") == 0
    for other in "abc":
        attempts.failed(other)
    assert attempts.wait_s("5.6.7.8") == 300
    now[0] = 301
    assert attempts.wait_s("1.2.3.4") == 0


def test_static_files_name_each_other_with_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import "./b.js";')
    (tmp_path / "b.js").write_text("export const b = 1;")
    files = StaticFiles(tmp_path)
    b = files.address("b.js")
    assert re.fullmatch(r"/static/b\.[0-9a-f]{10}\.js", b)
    first = files.find(files.address("a.js"))
    assert first is not None
    assert first.body.decode() == f'import "{b}";'
    (tmp_path / "b.js").write_text("export const b = 2;")
    assert StaticFiles(tmp_path).address("a.js") != files.address("a.js")
    assert files.find("/static/../secret") is None
    with pytest.raises(ConfigError, match="no static file"):
        files.address("c.js")


def test_the_page_and_the_pictures_have_the_same_colours() -> None:
    light = (STATIC / "tokens.css").read_text().partition("@media")[0]
    told = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", light))
    for name in ("paper", "surface", "line", "ink", "muted", "faint", "accent", "quiet"):
        assert told[name] == getattr(palette, name.upper()), name
    assert [told[f"series-{n}"] for n in range(1, 10)] == list(palette.SERIES)
    assert [told[f"amount-{n}"] for n in range(6)] == list(palette.AMOUNTS)


def test_both_ways_to_be_dark_are_the_same() -> None:
    text = (STATIC / "tokens.css").read_text()
    asked = re.search(r":root:not\(\[data-theme=\"light\"\]\) \{(.*?)\}", text, re.DOTALL)
    chosen = re.search(r":root\[data-theme=\"dark\"\] \{(.*?)\}", text, re.DOTALL)
    assert asked is not None
    assert chosen is not None
    colours = re.compile(r"--[a-z0-9-]+: [^;]+;")
    assert colours.findall(asked[1]) == colours.findall(chosen[1])
