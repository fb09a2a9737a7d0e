"""What a waiting person sees: lines in a log, a bar on a terminal, nothing when told so."""

from __future__ import annotations

import io
import os
import pty

from segue.doors.cli.progress import BarProgress, LineProgress, make_progress


def test_a_log_gets_one_line_a_stage() -> None:
    out = io.StringIO()
    progress = LineProgress(out)
    progress.start("reading history.json", total=2_000_000, unit="bytes")
    progress.advance(2_000_000)
    progress.done()
    progress.start("matching")
    progress.done("12 songs")
    first, second = out.getvalue().splitlines()
    assert first.startswith("reading history.json · 100% of 2.0 MB · ")
    assert second.startswith("matching · 12 songs · ")


def test_a_stage_that_was_left_open_is_closed_by_the_next() -> None:
    out = io.StringIO()
    progress = LineProgress(out)
    progress.start("one")
    progress.start("two")
    progress.done()
    progress.done()
    assert [line.split(" · ")[0] for line in out.getvalue().splitlines()] == ["one", "two"]


def test_quiet_says_nothing() -> None:
    out = io.StringIO()
    progress = make_progress(quiet=True, stream=out)
    progress.start("one", total=1)
    progress.advance()
    progress.done("done")
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_once_a_stage_lasts() -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        progress = make_progress(stream=terminal)
        assert isinstance(progress, BarProgress)
        progress.start("training", total=4, unit="models")
        progress._show()  # the moment has passed
        progress.advance(2)
        progress.done("4 models")
        shown = ""
        while "4 models" not in shown:
            shown += os.read(reader, 65_536).decode()
    os.close(reader)
    assert "training" in shown
    assert "training · 4 models · " in shown.replace("\r", "")
