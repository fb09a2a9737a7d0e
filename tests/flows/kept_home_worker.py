"""Works on a kept home and is killed before the end: python -m … ADDRESS HOME SECONDS SAVE."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from segue.aws.clients import Aws
from segue.flows.aws.kept_home import KeptHome

if __name__ == "__main__":
    address, home, seconds, when = sys.argv[1:]
    now = datetime.now(tz=UTC)
    kept = KeptHome(Aws(), address, Path(home))
    with kept.opened(now=now, until=now + timedelta(seconds=float(seconds))):
        note = Path(home, "playlists", "note")
        note.parent.mkdir(exist_ok=True)
        note.write_text("saved" if when == "save" else "not saved")
        if when == "save":
            kept.save()
            note.write_text("not saved")
        os._exit(9)
