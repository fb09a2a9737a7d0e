"""Settings in a backup: everything but passwords."""

from __future__ import annotations

import tomllib

import pytest

from segue.flows.settings_secrets import without_secrets

WHOLE = """# mine
user_id = "ann"

[postgresql]
host = "db"   # upstairs
password = "hush"

[models.als]
n_factors = 96
"""


def test_passwords_are_left_out_and_all_other_lines_stay() -> None:
    text, left_out = without_secrets(WHOLE)
    assert text == WHOLE.replace('password = "hush"\n', "")
    assert left_out == ("postgresql.password",)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://ann@db/segue", False),
        ("postgresql://ann:hush@db/segue", True),
        ("postgresql://db/segue?user=ann&password=hush", True),
        ("postgresql://[", True),
    ],
)
def test_an_address_is_secret_when_it_holds_a_password(url: str, secret: bool) -> None:
    text, left_out = without_secrets(f'[postgresql]\nurl = "{url}"\n')
    assert text is not None
    assert ("url" in text) is not secret
    assert left_out == (("postgresql.url",) if secret else ())


@pytest.mark.parametrize(
    "text",
    [
        'postgresql = { host = "db", password = "hush" }\n',
        '[postgresql]\npassword = """hush\nhush"""\n',
        '[postgresql]\n"pass\\u0077ord" = "hush"\n',
        "password = [",
    ],
)
def test_what_cannot_be_told_apart_is_left_out_whole(text: str) -> None:
    kept, left_out = without_secrets(text)
    assert kept is None
    assert left_out


@pytest.mark.parametrize(
    "text",
    [
        'postgresql.password = "hush"\npostgresql.host = "db"\n',
        "[ postgresql ]\n 'password' = 'hush'\nhost = 'db'\n",
        '["postgresql"]\n"password"="hush"\nhost="db"',
    ],
)
def test_other_ways_to_write_it(text: str) -> None:
    kept, _ = without_secrets(text)
    assert kept is not None
    assert tomllib.loads(kept) == {"postgresql": {"host": "db"}}


def test_without_secrets_nothing_changes() -> None:
    assert without_secrets("") == ("", ())
    assert without_secrets('user_id = "password"\n') == ('user_id = "password"\n', ())
