"""Forgetting reaches a warehouse on a server, too."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from segue.errors import WarehouseError
from segue.flows.build import build
from segue.flows.forget import Whose, forget
from segue.flows.unfinished import finish
from segue.flows.wiring import Wiring
from segue.progress import Silent
from segue.settings import Settings
from tests.postgres_server import database_of, server_of_tests
from tests.support import NOW
from tests.unit.test_lake_forget import ANN, BOB, bring

QUIET = Silent()


def tables_that_tell(url: str, word: str) -> list[str]:
    """The tables of a database in which a row holds the word."""
    with psycopg.connect(url) as database:
        names = database.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = []
        for (name,) in names:
            sql = f"select count(*) from {name} as t where t::text like %s"
            if database.execute(sql.encode(), [f"%{word}%"]).fetchone() != (0,):
                found.append(name)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose warehouse is on a server, with two people in it."""
    url = server_of_tests().url(database_of(tmp_path))
    made = Settings.model_validate(
        {"home": tmp_path / "home", "warehouse": "postgresql", "postgresql": {"url": url}}
    )
    for one in (ANN, BOB):
        bring(Wiring(made).lake, one)
    publish(made)
    return made


def publish(settings: Settings) -> int:
    wiring = Wiring(settings)
    report = build(
        lake=wiring.lake,
        warehouse=wiring.warehouse,
        snapshots=wiring.snapshots,
        progress=QUIET,
        now=NOW,
    )
    return report.rows["plays"]


def url_of(settings: Settings) -> str:
    assert settings.postgresql.url is not None
    return settings.postgresql.url.get_secret_value()


class CutShortError(Exception):
    """Stands for a kill."""


def test_nothing_of_a_user_is_left_on_the_server(settings: Settings) -> None:
    url = url_of(settings)
    away = settings.model_copy(update={"postgresql": type(settings.postgresql)(port=1)})
    before = set(settings.home.rglob("*"))
    with pytest.raises(WarehouseError):  # a server that is gone is noticed before all else
        forget(Wiring(away), Whose("ann"), progress=QUIET)
    assert set(settings.home.rglob("*")) - before <= {settings.home / "lock"}
    assert "raw.plays" in tables_that_tell(url, "ann")

    def on_step(step: str) -> None:
        if step == "lake":
            raise CutShortError

    with pytest.raises(CutShortError):
        forget(Wiring(settings), Whose("ann"), progress=QUIET, on_step=on_step)
    assert "raw.plays" in tables_that_tell(url, "ann")
    finish(settings, QUIET)
    assert tables_that_tell(url, "ann") == []
    assert publish(settings) == 2
    assert tables_that_tell(url, "ann") == []
    assert "raw.plays" in tables_that_tell(url, "bob")
