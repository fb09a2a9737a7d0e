"""PostgreSQL lets go in the middle, refuses, or is not there: said plainly, and healed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from pydantic import SecretStr

from segue.errors import BusyError, ConfigError, NotReadyError, StorageError, WarehouseError
from segue.flows.build import build
from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.postgresql.address import require_fit
from segue.progress import Silent
from segue.warehouse.postgresql import PostgreSQLWarehouse
from segue.warehouse.postgresql.schema import MIGRATIONS, migrate
from segue.warehouse.postgresql.session import PostgreSQLSession
from segue.warehouse.snapshots import SnapshotStore
from segue.warehouse.sql_warehouse import lake_layout
from tests.flows.test_build import EXPORT, LASTFM, NOW, play
from tests.lake_files import HandLake
from tests.postgres_server import PASSWORD, database_of, server_of_tests
from tests.postgresql_warehouses import postgresql_warehouse


class House:
    """A lake, a database, and snapshots; what belongs to one folder."""

    def __init__(self, folder: Path, warehouse: PostgreSQLWarehouse | None = None) -> None:
        self.folder = folder
        self.lake = HandLake(folder / "lake")
        self.warehouse = warehouse or postgresql_warehouse(folder / "warehouse")
        self.snapshots = SnapshotStore(folder / "snapshots")

    def fill(self) -> House:
        plays = [play("u", EXPORT, 300 * n, f"Song {n % 7}", ms_played=60_000) for n in range(40)]
        self.lake.add("plays", plays)
        told = [play("u", LASTFM, 300 * n + 2, f"Song {n % 7}") for n in range(50)]
        self.lake.add("plays", told)
        return self

    def build(self, progress: Any = None) -> None:
        build(
            lake=self.lake,
            warehouse=self.warehouse,
            snapshots=self.snapshots,
            progress=progress or Silent(),
            now=NOW,
        )

    def content(self) -> dict[str, pa.Table]:
        return {mart: self.snapshots.current().read(mart) for mart in MARTS}

    def sql(self, statement: str) -> list[Any]:
        """Run a statement as the server's administrator."""
        url = server_of_tests().url(database_of(self.folder / "warehouse"))
        with psycopg.connect(url, autocommit=True) as admin:
            done = admin.execute(statement)
            return done.fetchall() if done.description else []


class At:
    """Does something at a step of a build."""

    def __init__(self, stage: str, step: int, do: Callable[[], object]) -> None:
        self.stage, self.step, self.do = stage, step, do
        self.label, self.steps = "", 0

    def start(self, label: str, total: int | None = None, unit: str = "") -> None:
        self.label, self.steps = label, 0
        self.advance(0)

    def advance(self, amount: int = 1) -> None:
        if (self.label, self.steps) == (self.stage, self.step):
            self.do()
        self.steps += 1

    def done(self, note: str = "") -> None:
        """Nothing to do."""


DISCONNECT = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    house = House(tmp_path_factory.mktemp("clean")).fill()
    house.build()
    return house.content()


@pytest.mark.parametrize(
    ("stage", "step"),
    [("loading the lake", 1), ("matching tracks", 0), ("dbt", 5), ("publishing", 0)],
)
def test_the_connection_is_lost(
    tmp_path: Path, clean: dict[str, pa.Table], stage: str, step: int
) -> None:
    house = House(tmp_path)
    house.lake.add("plays", [play("u", EXPORT, 0, "Song 1", ms_played=60_000)])
    house.build()
    published = house.snapshots.current().name
    house.lake.written.clear()
    house.fill()
    with pytest.raises(WarehouseError, match=r"(connection|connecting).*build"):
        house.build(At(stage, step, lambda: house.sql(DISCONNECT)))
    assert house.snapshots.current().name == published
    house.build()
    for mart, table in house.content().items():
        assert table.equals(clean[mart]), mart


def test_a_table_is_loaded_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    house = House(tmp_path).fill()
    with house.warehouse.writing():
        pass
    # the server stumbles over the last rows, when the others have been sent
    house.sql(
        "create function raw.stumble() returns trigger language plpgsql as $$ begin"
        " if new.source = 'lastfm' then raise exception using errcode = '53100',"
        " message = 'could not extend file: No space left on device'; end if; return new; end $$"
    )
    house.sql("create trigger stumble before insert on raw.plays for each row"
              " execute function raw.stumble()")  # fmt: skip
    with pytest.raises(StorageError, match=r"loading plays failed.*No space left.*Free space"):
        house.build()
    assert house.sql("select count(*) from raw.plays") == [(0,)]
    assert house.sql("select count(*) from raw.loads") == [(0,)]
    with pytest.raises(NotReadyError):
        house.snapshots.current()
    house.sql("drop trigger stumble on raw.plays")
    house.build()
    assert house.content()["plays"].num_rows == 50


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from tests.flows.test_postgresql_faults import At, House

    House(Path(sys.argv[1])).fill().build(
        At(sys.argv[2], int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL))
    )
""")


@pytest.mark.parametrize(("stage", "step"), [("loading the lake", 2), ("dbt", 9)])
def test_killed_then_healed(
    tmp_path: Path, clean: dict[str, pa.Table], stage: str, step: int
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), stage, str(step)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    house = House(tmp_path).fill()
    house.build()
    for mart, table in house.content().items():
        assert table.equals(clean[mart]), mart


def test_what_a_crash_of_the_server_empties_is_filled_again(
    tmp_path: Path, clean: dict[str, pa.Table]
) -> None:
    house = House(tmp_path).fill()
    house.build()
    emptied = [name for (name,) in house.sql(
        "select relname from pg_class where relpersistence = 'u' and relkind = 'r'"
    )]  # fmt: skip
    assert {"loads", "about", *LAKE_TABLES} <= set(emptied)
    for name in emptied:
        house.sql(f"truncate raw.{name}")
    house.build()
    for mart, table in house.content().items():
        assert table.equals(clean[mart]), mart


def test_two_machines_build_in_one_database(tmp_path: Path) -> None:
    url = SecretStr(server_of_tests().url(database_of(tmp_path)))
    one, other = (PostgreSQLWarehouse(tmp_path / name, url=url) for name in ("one", "other"))
    with (
        one.writing(),
        pytest.raises(BusyError, match=r"another build .*postgres.* Wait"),
        other.writing(),
    ):
        pass
    with other.writing():
        pass  # the first has let go


def test_a_newer_schema_is_refused_and_an_older_one_made_again(tmp_path: Path) -> None:
    house = House(tmp_path).fill()
    house.build()
    house.sql("update raw.about set value = 'of old' where name = 'layout'")
    house.sql("alter table raw.plays drop column artist cascade")
    house.build()
    assert house.content()["plays"].num_rows == 50
    house.sql("insert into raw.migrations (number, name) values (99, 'from the future')")
    with pytest.raises(WarehouseError, match=r"newer Segue.*number 99.*Update Segue"):
        house.build()
    assert house.sql("select count(*) from raw.plays") == [(90,)]


def test_migrations_at_the_same_time_run_once(tmp_path: Path) -> None:
    url = server_of_tests().url(database_of(tmp_path))
    faults: list[BaseException] = []

    def run() -> None:
        session = PostgreSQLSession(url, "the server of the tests")
        try:
            migrate(session, layout=lake_layout())
        except BaseException as error:
            faults.append(error)
        finally:
            session.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with psycopg.connect(url) as connection:
        found = connection.execute("select number, name from raw.migrations order by number")
        wanted = [(number, name) for number, (name, _) in enumerate(MIGRATIONS, start=1)]
        assert found.fetchall() == wanted


def signing_in(folder: Path, **options: Any) -> PostgreSQLWarehouse:
    port = server_of_tests().port
    usual = {"host": "127.0.0.1", "port": port, "user": "postgres", "database": "postgres"}
    return PostgreSQLWarehouse(folder, **{**usual, "password": SecretStr(PASSWORD), **options})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": SecretStr("a wrong one")}, r"password authentication failed.*\.pgpass"),
        ({"database": "nowhere"}, r"database \"nowhere\" does not exist.*createdb"),
        ({"port": 1}, r"127\.0\.0\.1:1.*(refused|failed).*running"),
        ({"host": "/tmp"}, r"PostgreSQL at /tmp.*Is the server running"),
    ],
)
def test_who_cannot_sign_in_is_told_why(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    found = signing_in(tmp_path, **options)
    with pytest.raises(WarehouseError, match=said) as fault, found.writing():
        pass
    assert "a wrong one" not in str(fault.value)
    assert PASSWORD not in str(fault.value)


def test_an_address_that_is_none_shows_no_password(tmp_path: Path) -> None:
    found = PostgreSQLWarehouse(tmp_path, url=SecretStr("postgresql://u:secret@h:port:5/x?y"))
    with pytest.raises(ConfigError, match=r"postgresql\.url") as fault:
        assert found.where
    assert "secret" not in repr(fault.value) + str(fault.value.__cause__) + repr(found.__dict__)


def test_who_may_not_make_schemas_is_told(tmp_path: Path) -> None:
    database = database_of(tmp_path)
    server = server_of_tests()
    role = f"{database}_guest"
    with psycopg.connect(server.url(database), autocommit=True) as admin:
        admin.execute(f"create role {role} login")
    try:
        found = PostgreSQLWarehouse(tmp_path, url=SecretStr(server.url(database, role)))
        with pytest.raises(WarehouseError, match=r"permission denied.*docs"), found.writing():
            pass
    finally:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f"drop role {role}")


def test_a_database_that_cannot_hold_every_title_is_refused(tmp_path: Path) -> None:
    server = server_of_tests()
    name = f"{database_of(tmp_path)}_latin"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"create database {name} encoding 'LATIN1' template template0")
    found = PostgreSQLWarehouse(tmp_path, url=SecretStr(server.url(name)))
    with pytest.raises(WarehouseError, match=r"as LATIN1.*create database"), found.writing():
        pass


def test_an_old_server_is_refused() -> None:
    require_fit(140_000, "UTF8")
    with pytest.raises(WarehouseError, match=r"PostgreSQL 13; Segue needs 14.*Update"):
        require_fit(130_022, "UTF8")


def test_the_address_in_words_has_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGUSER", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)
    url = "postgresql://ada:hidden@db.example:6000/music?sslmode=require"
    found = PostgreSQLWarehouse(tmp_path, url=SecretStr(url), user="segue_build")
    assert found.where == "PostgreSQL at db.example:6000, database music as segue_build"
    assert "hidden" not in repr(vars(found))
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("PGUSER", "grace")
    assert PostgreSQLWarehouse(tmp_path, database="x").where == (
        "PostgreSQL at elsewhere, database x as grace"
    )


def test_the_passfile_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"127.0.0.1:*:*:postgres:{PASSWORD}\n")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    lake = HandLake(tmp_path / "lake")
    lake.add("plays", [play("u", EXPORT, 0, "A", ms_played=40_000)])
    database = database_of(tmp_path)
    house = House(tmp_path, signing_in(tmp_path / "home", password=None, database=database))
    house.lake = lake
    house.build()
    assert house.content()["plays"].num_rows == 1
    for path in tmp_path.rglob("*"):
        with suppress(IsADirectoryError):
            assert path == passfile or PASSWORD.encode() not in path.read_bytes()
