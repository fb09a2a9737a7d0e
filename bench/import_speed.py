"""Import throughput beside DuckDB's bare `read_json` of the same files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.exports import COLUMNS, write_history
from bench.measure import measure, segue

SIZES = (100_000, 1_000_000, 5_000_000)

_BARE = """
import duckdb, sys
columns = {columns!r}
duckdb.sql(
    "create table plays as select * from read_json('" + sys.argv[1]
    + "/*.json', format = 'array', columns = " + str(columns) + ")"
)
"""


def run(sizes: tuple[int, ...] = SIZES) -> list[str]:
    """One line a size: seconds of both, plays a second, ratio and peak memory."""
    lines = [
        "| plays | bare read_json | segue import | plays/s | share of bare | peak memory |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder) / "export"
            write_history(export, size)
            bare = measure([sys.executable, "-c", _BARE.format(columns=COLUMNS), str(export)])
            ours = segue(Path(folder) / "home", "import", str(export))
            lines.append(
                f"| {size:,} | {bare.seconds:.2f} s | {ours.seconds:.2f} s "
                f"| {size / ours.seconds:,.0f} | {bare.seconds / ours.seconds:.0%} "
                f"| {ours.peak_mib:,.0f} MiB |"
            )
            print(lines[-1], flush=True)
    return lines
