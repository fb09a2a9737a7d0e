"""The catalogue on S3: what events may call a track, and the items that Personalize is told of."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Final

from segue.errors import NotReadyError
from segue.flows.personalize.daily.ledger import Ledger, Run
from segue.flows.personalize.daily.places import Work
from segue.flows.personalize.datasets import dataset_named
from segue.warehouse.event_files import open_scratch
from segue.warehouse.s3_client import S3Place
from segue.warehouse.s3_files import S3File, S3Files
from segue.warehouse.track_files import TrackFiles

__all__ = ["ITEMS_SENT", "fetch_references", "make_tracks", "tracks_entry"]

ITEMS_SENT: Final = "items.json"
"""The ledger's entry of the catalogue that Personalize was sent last."""

_SNAPSHOTS: Final = "snapshots"
_CURRENT: Final = "current"  # names the published one
_HEAD: Final = "head.json"  # names the files of a data home that functions share
_ENDING: Final = ".parquet"


def tracks_entry(run: Run) -> str:
    """The ledger's entry of a run's tracks."""
    return f"{run.folder}/tracks.json"


def make_tracks(work: Work, ledger: Ledger, run: Run) -> None:
    """Make what days and users of a run are made with, and items where the catalogue is new."""
    catalogue = work.places.catalogue
    if catalogue is None:
        ledger.put(tracks_entry(run), {"rows": 0, "files": [], "tag": ""})
        return
    files, found = _files(catalogue)
    tag = hashlib.sha256(repr([(one.name, one.tag) for one in found]).encode()).hexdigest()
    sent = (ledger.get(ITEMS_SENT) or {}).get("tag")
    work.progress.start("tracks of the catalogue")
    settings = work.settings
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = files.download([one.name for one in found], folder)
        connection = open_scratch(
            folder, memory_limit=settings.memory_limit, threads=settings.threads
        )
        try:
            tracks = TrackFiles(connection, paths)
            tracks.references(folder / "references")
            ledger.files.upload(folder / "references", _references(run))
            rows, written = 0, []
            if run.whole or tag != sent:
                csv = folder / "items.csv"
                rows = tracks.write(dataset_named("Items").sql, csv)
                name = f"items/{run.run_id}/0/part-00000.csv"
                work.places.sets.upload(csv, name, "text/csv")
                size = csv.stat().st_size
                written = [{"folder": "0", "bytes": size, "rows": rows}] if rows else []
        finally:
            connection.close()
    ledger.put(tracks_entry(run), {"rows": rows, "files": written, "tag": tag})
    work.progress.done(f"{rows:,} items" if written else "no new items")


def fetch_references(work: Work, ledger: Ledger, run: Run, folder: Path) -> Path | None:
    """What events may call a track, in a file of an existing folder; None: nothing is known."""
    if work.places.catalogue is None:
        return None
    return ledger.files.download([_references(run)], folder)[0]


def _references(run: Run) -> str:
    return f"{run.folder}/references.parquet"


def _published(found: list[S3File], catalogue: S3Files) -> list[S3File]:
    """Files of Parquet; in a folder of snapshots those of the published one's tracks."""
    if any(one.name == _CURRENT for one in found):
        now = (catalogue.read(_CURRENT) or b"").decode().strip()
        found = [one for one in found if _are_tracks(one.name, now)]
    return [one for one in found if one.name.endswith(_ENDING) and one.size]


def _kept(catalogue: S3Files) -> list[S3File]:
    """The same of a data home that functions share; nothing: it is no such place."""
    head = catalogue.read(_HEAD)
    if head is None:
        return []
    told = json.loads(head)["files"]
    current = told.get(f"{_SNAPSHOTS}/{_CURRENT}")
    now = "" if current is None else (catalogue.read(current["key"]) or b"").decode().strip()
    return [
        S3File(one["key"], one["size"], tag=one["hash"])
        for name, one in sorted(told.items())
        if _are_tracks(name.removeprefix(f"{_SNAPSHOTS}/"), now)
    ]


def _are_tracks(name: str, snapshot: str) -> bool:
    """Whether a file of a folder of snapshots is of the tracks of one of them."""
    place, ending = f"{snapshot}/tracks", name.endswith(_ENDING)
    return ending and (name == f"{place}{_ENDING}" or name.startswith(f"{place}/"))


def _files(catalogue: S3Files) -> tuple[S3Files, list[S3File]]:
    """The files of tracks, and what fetches them.

    Raises:
        NotReadyError: There are none.
    """
    place = catalogue.place
    if place.prefix.endswith(_ENDING):
        folder, _, name = place.prefix.rpartition("/")
        catalogue = catalogue.beside(S3Place(place.bucket, folder))
        found = [one for one in catalogue.find(name) if one.name == name]
    else:
        found = _kept(catalogue) or _published(list(catalogue.find("")), catalogue)
    if not found:
        raise NotReadyError(
            f"there are no tracks in {place}",
            cure="Copy the mart `tracks` of a snapshot there, or mend personalize.catalogue.",
        )
    return catalogue, found
