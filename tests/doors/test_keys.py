"""`segue keys`, as somebody at a keyboard meets it."""

from __future__ import annotations

from segue.access.passwords import Passwords
from segue.access.tokens import Token, key_id_of
from tests.doors.home import Home


def test_a_key_is_made_listed_and_revoked(home: Home) -> None:
    assert "No keys." in home("keys", "list").ok().out
    made = home("keys", "create", "phone", "--user", "ann", "--rate", "5", "--json").ok().json
    assert key_id_of(made["token"]) == made["key_id"]
    assert made["scopes"] == ["ingest", "recommend"]
    said = home("keys", "create", "jobs", "--scope", "admin").ok().out
    assert key_id_of(said.split()[0])
    listed = home("keys", "list")
    assert "phone: ingest, recommend; only user ann; 5 requests a second; never" in listed.ok().out
    assert made["token"] not in listed.out
    assert "opens nothing" in home("keys", "revoke", made["token"]).ok().out
    assert [key["label"] for key in home("keys", "list", "--json").ok().json] == ["jobs"]
    every = home("keys", "list", "--all", "--json").ok().json
    assert [(key["label"], key["revoked_at"] is None) for key in every] == [
        ("phone", False),
        ("jobs", True),
    ]


def test_what_cannot_be_is_refused(home: Home) -> None:
    home("keys", "create", "x", "--scope", "all").refused("ingest, recommend, admin", code=2)
    home("keys", "revoke", "0123456789ab").refused("no key 0123456789ab", "keys list", code=2)


def test_a_token_that_was_made_elsewhere_is_taken_once(home: Home) -> None:
    token = Token.new()
    file = home.folder.parent / "token"
    file.write_text(f"{token.text}\n")
    for _ in range(2):
        made = home(
            "keys", "create", "ops", "--scope", "admin", "--token-file", str(file), "--json"
        )
        assert made.ok().json["key_id"] == token.key_id
        assert token.text not in made.out
    [key] = home("keys", "list", "--json").ok().json
    assert (key["label"], key["scopes"]) == ("ops", ["admin"])
    home("keys", "revoke", token.key_id).ok()
    again = home("keys", "create", "ops", "--scope", "admin", "--token-file", str(file))
    assert "revoked" in again.ok().out


def test_a_file_without_a_token_is_refused(home: Home) -> None:
    file = home.folder.parent / "token"
    file.write_text("hunter2")
    refused = home("keys", "create", "ops", "--token-file", str(file))
    refused.refused("holds no token", "43 characters", code=2)
    assert "hunter2" not in refused.err
    home("keys", "create", "ops", "--token-file", "nowhere").refused("cannot be read", code=2)


def test_a_password_that_is_there_can_stay(home: Home) -> None:
    passwords = Passwords(home.folder / "access" / "passwords.json")
    home("keys", "list").ok()
    passwords.set("me", "a long enough one")
    before = passwords.mark("me")
    assert "it stays" in home("keys", "password", "--keep").ok().out
    assert passwords.mark("me") == before


def test_migrate_makes_the_tables_and_may_be_repeated(home: Home) -> None:
    first = home("migrate", "--json").ok().json
    assert (first["events"], first["keys"]) == (0, False)
    assert (home.folder / "events" / "events.sqlite").is_file()
    assert "segue keys create" in home("migrate").ok().out
    home("keys", "create", "phone").ok()
    assert home("migrate", "--json").ok().json["keys"] is True
