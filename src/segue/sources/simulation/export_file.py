"""Writes one user's history as Spotify does: a zip with the extended history and the library."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from segue.sources.simulation.library_file import account_data
from segue.sources.simulation.listeners import Listener
from segue.sources.simulation.plays import Plays
from segue.sources.simulation.world import World

__all__ = ["write_export"]

FOLDER: Final = "Spotify Extended Streaming History"
_ROWS_A_FILE: Final = 16_000  # about 12 MB
_PODCAST_EVERY: Final = 80
_PLATFORMS: Final = (
    "Android OS 14 API 34 (samsung, SM-S911B)",
    "iOS 18.1 (iPhone15,2)",
    "Windows 10 (10.0.19045; x64; AppX)",
    "web_player windows 10;chrome 130.0.0.0;desktop",
    "Partner google cast;Google;Nest Audio;speaker",
)
_SHOWS: Final = (
    ("The Long Table", "Soup, and what it means"),
    ("Half an Hour of History", "The bridge that moved"),
    ("Small Machines", "Why clocks tick"),
    ("Two Chairs", "A conversation about rivers"),
    ("Morning Brief", "Today in ten minutes"),
)
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
_EMPTY: Final = (
    "master_metadata_track_name",
    "master_metadata_album_artist_name",
    "master_metadata_album_album_name",
    "spotify_track_uri",
    "episode_name",
    "episode_show_name",
    "spotify_episode_uri",
    "audiobook_title",
    "audiobook_uri",
    "audiobook_chapter_uri",
    "audiobook_chapter_title",
)

Row = dict[str, Any]


def write_export(
    path: Path, listener: Listener, plays: Plays, *, world: World, seed: int
) -> dict[str, int]:
    """Write `my_spotify_data.zip` for one user.

    Args:
        path: The zip to write.
        plays: All streams of this user, in order of time.
        seed: Seed of the simulation; what is not told by the plays follows from it.

    Returns:
        Rows by sort: "streams", "podcasts", "nameless", "duplicates", and "files".
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0xE4, listener.index])))
    written = _Written(listener, plays, world, rng)
    moment = datetime.fromtimestamp(int(plays.ended_s[-1]) if len(plays) else 0, UTC)
    stamp = max(moment, datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6]
    counts = {"files": 0}

    def put(archive: zipfile.ZipFile, name: str, content: str | bytes) -> None:
        info = zipfile.ZipInfo(name, date_time=stamp)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        archive.writestr(info, content)

    with zipfile.ZipFile(path, "w") as archive:
        put(archive, f"{FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf", _PDF)
        for number, rows in enumerate(written.files()):
            put(archive, f"{FOLDER}/{_file_name(rows, number)}", json_of(rows))
            counts["files"] += 1
        for name, content in account_data(plays, world).items():
            put(archive, f"Spotify Account Data/{name}", json.dumps(content, ensure_ascii=False))
    return counts | written.counts


def json_of(rows: Sequence[Row]) -> str:
    """A JSON array, one record a line."""
    return "[" + ",\n".join(map(_ENCODE, rows)) + "]"


def _file_name(rows: Sequence[Row], number: int) -> str:
    first, last = rows[0]["ts"][:4], rows[-1]["ts"][:4]
    years = first if first == last else f"{first}-{last}"
    return f"Streaming_History_Audio_{years}_{number}.json"


class _Written:
    """The rows of one export, made part by part."""

    def __init__(
        self, listener: Listener, plays: Plays, world: World, rng: np.random.Generator
    ) -> None:
        self._listener, self._plays, self._world, self._rng = listener, plays, world, rng
        self._home = int(rng.integers(1, 255))
        others = 2 + rng.choice(len(_PLATFORMS) - 2, 2, replace=False)
        self._platforms = [int(rng.integers(2)), *others.tolist()]  # first of all a telephone
        self.counts = {"streams": 0, "podcasts": 0, "nameless": 0, "duplicates": 0}

    def files(self) -> Iterator[list[Row]]:
        """The rows of each file; a file begins with a few rows that the one before ended with."""
        carried: list[Row] = []
        for start in range(0, len(self._plays), _ROWS_A_FILE):
            part = np.zeros(len(self._plays), np.bool_)
            part[start : start + _ROWS_A_FILE] = True
            rows = self._rows(part)
            self.counts["duplicates"] += len(carried)
            yield carried + rows
            carried = rows[-3:]
        if not len(self._plays):
            return

    def _rows(self, part: np.ndarray[Any, np.dtype[np.bool_]]) -> list[Row]:
        plays, disc = self._plays.where(part), self._world.discography
        n = len(plays)
        odds = self._rng.random((4, n))
        names = zip(
            self._world.title.take(plays.track).to_pylist(),
            self._world.artist_name.take(disc.track_artist[plays.track]).to_pylist(),
            self._world.album_name.take(disc.track_album[plays.track]).to_pylist(),
            self._world.track_id.take(plays.track).to_pylist(),
            strict=True,
        )
        ended, ms = plays.ended_s.tolist(), plays.ms_played.tolist()
        begins, ends = _reasons(plays)
        shuffled = _shuffled(plays)
        gap = np.append(np.diff(plays.ended_s), 0).tolist()
        rows: list[Row] = []
        for i, (title, artist, album, track_id) in enumerate(names):
            row = self._frame(ended[i], ms[i], odds[:, i].tolist())
            row["reason_start"], row["reason_end"] = begins[i], ends[i]
            row["shuffle"] = shuffled[i]
            row["skipped"] = bool(plays.skipped[i]) if odds[3, i] > 0.004 else None
            if odds[2, i] > 0.9997:  # Spotify no longer knows what it was
                self.counts["nameless"] += 1
            else:
                row["master_metadata_track_name"] = title
                row["master_metadata_album_artist_name"] = artist
                row["master_metadata_album_album_name"] = album
                row["spotify_track_uri"] = f"spotify:track:{track_id}"
                self.counts["streams"] += 1
            rows.append(row)
            if gap[i] > 3 * 3600 and odds[1, i] < 0.9 and i % 4 == 0:
                rows.append(self._podcast(ended[i] + 600, odds[:, i].tolist()))
        return rows

    def _frame(self, ended_s: int, ms: int, odds: list[float]) -> Row:
        """What every row has, with the names still empty; keys in Spotify's order."""
        moment = datetime.fromtimestamp(ended_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        away = odds[0] < 0.2
        address = f"198.51.100.{int(odds[0] * 1000) % 254 + 1}" if away else f"192.0.2.{self._home}"
        device = 0 if odds[1] < 0.62 else 1 if odds[1] < 0.9 else 2
        row: Row = {
            "ts": moment,
            "platform": _PLATFORMS[self._platforms[device]],
            "ms_played": ms,
            "conn_country": self._listener.country,
            "ip_addr": address,
        }
        row.update(dict.fromkeys(_EMPTY))
        row.update(
            reason_start="",
            reason_end="",
            shuffle=False,
            skipped=False,
            offline=odds[2] < 0.04,
            offline_timestamp=ended_s - ms // 1000 if odds[3] < 0.93 else None,
            incognito_mode=odds[3] > 0.992,
        )
        return row

    def _podcast(self, start_s: int, odds: list[float]) -> Row:
        self.counts["podcasts"] += 1
        ms = int(600_000 + 3_000_000 * odds[2])
        show = int(odds[0] * 1000) % len(_SHOWS)
        row = self._frame(start_s + ms // 1000 + 1, ms, odds)
        row["episode_show_name"], episode = _SHOWS[show]
        row["episode_name"] = f"{episode} ({self.counts['podcasts']})"
        row["spotify_episode_uri"] = f"spotify:episode:{self.counts['podcasts']:022d}"
        row["reason_start"], row["reason_end"] = "clickrow", "endplay"
        return row


def _reasons(plays: Plays) -> tuple[list[str], list[str]]:
    """Why each stream began and ended; within a session one's end is the next one's beginning."""
    luck = plays.luck.tolist()
    skipped, stopped = plays.skipped.tolist(), plays.stopped.tolist()
    ends = []
    for odds, left, cut in zip(luck, skipped, stopped, strict=True):
        if left:
            ends.append("fwdbtn" if odds < 0.84 else "endplay" if odds < 0.95 else "backbtn")
        elif cut:
            ends.append("endplay" if odds < 0.2 else "logout" if odds < 0.35 else "unexpected-exit")
        else:
            ends.append("trackdone")
    begins = []
    by_hand = plays.began.tolist()
    for i, place in enumerate(plays.position.tolist()):
        if place == 0:
            begins.append(
                "clickrow" if luck[i] < 0.6 else "playbtn" if luck[i] < 0.85 else "appload"
            )
        elif ends[i - 1] == "endplay" or (by_hand[i] and luck[i] < 0.3):
            begins.append("clickrow")
        else:
            begins.append(ends[i - 1])
    return begins, ends


def _shuffled(plays: Plays) -> list[bool]:
    """Whether shuffle was on: a matter of the session."""
    return [(session * 2654435761) % 1000 < 380 for session in plays.session.tolist()]


_PDF: Final = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R
/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 68>>stream
BT /F 12 Tf 20 50 Td (A simulated extended streaming history.) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
