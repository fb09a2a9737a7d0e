"""A PostgreSQL on another host: nobody listens in, and nobody else pretends to be it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from segue.errors import WarehouseError
from segue.events.postgresql_log import PostgreSQLLog
from segue.music.event import Event
from segue.music.lake_tables import LAKE_TABLES
from segue.postgresql.address import Address
from segue.postgresql.connections import LIVE_SESSION
from segue.progress import Silent
from segue.warehouse.postgresql import PostgreSQLWarehouse
from tests.flows.test_build import EXPORT, NOW, play
from tests.lake_files import HandLake
from tests.postgres_server import PASSWORD, database_of, server_of_tests
from tests.tls_front import Authority, TlsFront


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def front(authority: Authority) -> Iterator[TlsFront]:
    with TlsFront(authority.server("localhost"), server_of_tests().port).running() as found:
        yield found


def warehouse(folder: Path, front: TlsFront, **options: Any) -> PostgreSQLWarehouse:
    usual = {
        "host": "localhost",
        "port": front.port,
        "user": "postgres",
        "password": SecretStr(PASSWORD),
        "database": database_of(folder),
        "sslmode": "verify-full",
        "threads": 2,
    }
    return PostgreSQLWarehouse(folder, **{**usual, **options})


def test_everything_goes_over_tls(tmp_path: Path, front: TlsFront, authority: Authority) -> None:
    lake = HandLake(tmp_path / "lake")
    lake.add("plays", [play("u", EXPORT, 0, "A", ms_played=40_000)])
    found = warehouse(tmp_path, front, sslrootcert=str(authority.certificate))
    with found.writing():
        for table in LAKE_TABLES:
            found.load(table, lake.files(table))
        assert found.build(Silent()).rows["plays"] == 1
        assert found.export(tmp_path)["plays"] == 1
    assert front.encrypted >= 3  # to look, to load, and dbt's
    assert front.plain == 0


def test_somebody_elses_server_is_refused(
    tmp_path: Path, front: TlsFront, authority: Authority
) -> None:
    other = Authority(tmp_path / "other")
    with (
        pytest.raises(WarehouseError, match=r"certificate verify failed.*sslrootcert"),
        warehouse(tmp_path, front, sslrootcert=str(other.certificate)).writing(),
    ):
        pass
    behind = server_of_tests().port
    with (
        TlsFront(authority.server("elsewhere.example"), behind).running() as elsewhere,
        pytest.raises(WarehouseError, match="does not match host name"),
        warehouse(tmp_path, elsewhere, sslrootcert=str(authority.certificate)).writing(),
    ):
        pass


def test_a_server_without_tls_is_refused(tmp_path: Path, authority: Authority) -> None:
    found = PostgreSQLWarehouse(
        tmp_path,
        url=SecretStr(f"postgresql://postgres@127.0.0.1:{server_of_tests().port}/postgres"),
        password=SecretStr(PASSWORD),
        sslmode="require",
    )
    with pytest.raises(WarehouseError, match=r"does not support SSL.*sslmode"), found.writing():
        pass


def test_events_go_over_tls(tmp_path: Path, front: TlsFront, authority: Authority) -> None:
    ours, other = (str(one.certificate) for one in (authority, Authority(tmp_path / "other")))
    address = f"postgresql://postgres@localhost:{front.port}/{database_of(tmp_path)}"
    section = {"password": SecretStr(PASSWORD), "sslmode": "verify-full", "url": SecretStr(address)}
    encrypted = front.encrypted
    log = PostgreSQLLog(Address.of_settings({**section, "sslrootcert": ours}, LIVE_SESSION))
    assert log.append([Event("1", "ann", "t1", "like", NOW)], NOW).result(20) == ("accepted",)
    log.close()
    assert front.encrypted > encrypted
    assert front.plain == 0
    with pytest.raises(WarehouseError, match=r"certificate verify failed.*sslrootcert"):
        PostgreSQLLog(Address.of_settings({**section, "sslrootcert": other}, LIVE_SESSION))
