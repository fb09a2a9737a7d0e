"""Many commands may be in a home, or one alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segue.errors import BusyError, WarehouseError
from segue.flows.wiring import Wiring
from segue.settings import Settings
from segue.warehouse.home_journal import JOURNAL, begin, end, unfinished
from segue.warehouse.home_lock import HomeLock

HOLD = """
import sys
from pathlib import Path
from segue.warehouse.home_lock import HomeLock
with HomeLock(Path(sys.argv[1])).alone("restore"):
    print("in", flush=True)
    sys.stdin.readline()
"""


def test_many_share_a_home_and_nobody_is_alone_among_them(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    with pytest.raises(BusyError, match="other commands are at work"), first.alone("restore"):
        pass
    del second
    with first.alone("restore"), pytest.raises(BusyError, match="a restore has it for itself"):
        HomeLock(tmp_path)
    HomeLock(tmp_path)  # shared again


def test_who_is_alone_is_named_and_gone_when_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "in\n"
        with pytest.raises(BusyError, match=f"restore .*process {holder.pid}"):
            HomeLock(tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    with HomeLock(tmp_path).alone("forget"):
        pass


def test_a_home_between_old_and_new_is_not_opened(tmp_path: Path) -> None:
    wiring = Wiring(Settings(home=tmp_path))
    assert wiring.home == tmp_path
    begin(tmp_path, "forget", {"user": "ann"})
    assert unfinished(tmp_path) == {"verb": "forget", "user": "ann"}
    for door in (wiring, Wiring(Settings(home=tmp_path))):
        with pytest.raises(WarehouseError, match=r"segue forget.* was interrupted"):
            door.lake.commits()
    end(tmp_path)
    assert unfinished(tmp_path) is None
    assert wiring.lake.commits() == ()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", json.dumps({"verb": 1}).encode()])
def test_a_damaged_journal_is_not_guessed_at(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(WarehouseError, match="cannot be read"):
        unfinished(tmp_path)
