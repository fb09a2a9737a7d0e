"""A lake as Segue wrote it at first: no years, numbers in the names of manifests and files."""

from __future__ import annotations

import json

from segue.warehouse.lake import Lake

__all__ = ["made_of_old"]


def made_of_old(lake: Lake) -> None:
    """Turn a lake of today, of plays of the source `list`, into one of version 1."""
    for path in sorted((lake.folder / "commits").glob("*.json")):
        manifest = json.loads(path.read_text())
        commit_id = manifest["commit_id"]
        for number, entry in enumerate(manifest["files"], start=1):
            name = f"plays/source=list/{commit_id}-{number}.parquet"
            (lake.folder / entry["path"]).rename(lake.folder / name)
            entry["path"] = name
            for later in ("number", "year", "first", "last", "bytes"):
                del entry[later]
        for later in ("number", "token", "replaced"):
            del manifest[later]
        (path.parent / f"{commit_id}.json").write_text(json.dumps(manifest | {"version": 1}))
        path.unlink()
