"""The command line answers quickly because it imports nothing heavy before it must."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("duckdb", "pyarrow", "numpy", "scipy", "implicit", "dbt", "rapidfuzz", "rich.markdown")


def _imported(statement: str) -> set[str]:
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["segue", "segue.doors.cli", "segue.errors", "segue.progress"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert not _imported(f"import {module}").intersection(HEAVY)


def test_the_help_loads_nothing_heavy() -> None:
    loaded = _imported(
        "import contextlib, io\n"
        "sys.argv = ['segue', '--help']\n"
        "from segue.doors.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "assert 'recommend' in out.getvalue()"
    )
    assert "segue.doors.cli.app" in loaded
    assert not loaded.intersection(HEAVY)


@pytest.mark.parametrize(
    "room",
    [
        "music",
        "sources",
        "warehouse",
        "features",
        "recommenders",
        "evaluation",
        "playlists",
        "analytics",
    ],
)
def test_importing_a_room_opens_none_of_its_adapters(room: str) -> None:
    loaded = _imported(f"import segue.{room}")
    assert not loaded.intersection({"duckdb", "dbt", "implicit", "scipy"})


def test_the_page_opens_without_what_only_few_of_its_parts_need() -> None:
    loaded = _imported("import segue.doors.web.open_page")
    assert "segue.doors.web.views.taste" in loaded
    assert not loaded.intersection({"httpx2", "scipy.spatial"})
