"""Import throughput beside DuckDB's bare `read_json` of the same files."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

from bench.exports import COLUMNS, write_history
from bench.measure import measure, segue, warm_up

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
    """Lines for each size: the folder of an export, the same again, and the same as a zip."""
    lines = [
        "| plays | input | bare read_json | segue import | plays/s | share of bare"
        " | CPU of both | peak memory |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    warm_up()
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            export, home = Path(folder) / "export", Path(folder) / "home"
            files = write_history(export, size)
            bare = measure([sys.executable, "-c", _BARE.format(columns=COLUMNS), str(export)])
            zipped = Path(folder) / "export.zip"
            with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                for file in files:
                    archive.write(file, file.name)
            for what, at, source in (
                ("folder", home, export),
                ("folder again", home, export),
                ("zip", Path(folder) / "other", zipped),
            ):
                ours = segue(at, "import", str(source))
                lines.append(
                    f"| {size:,} | {what} | {bare.seconds:.2f} s | {ours.seconds:.2f} s "
                    f"| {size / ours.seconds:,.0f} | {bare.seconds / ours.seconds:.0%} "
                    f"| {bare.cpu_seconds:.1f} s, {ours.cpu_seconds:.1f} s "
                    f"| {ours.peak_mib:,.0f} MiB |"
                )
                print(lines[-1], flush=True)
    return lines
