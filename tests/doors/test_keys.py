"""`segue keys`, as somebody at a keyboard meets it."""

from __future__ import annotations

from segue.access.tokens import key_id_of
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
