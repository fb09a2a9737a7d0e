"""The door itself: runs a command and turns every error into words and an exit code.

Exit codes: 0 done; 1 something named in the message went wrong; 2 the command line or a setting
is wrong; 70 a fault inside Segue; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Final

from segue.errors import ConfigError, SegueError

__all__ = ["main"]

FAULT: Final = 70
INTERRUPTED: Final = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Idle threads that spin, and a BLAS pool inside each worker, cost more than they bring.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(_run())


def _run() -> int:
    from segue.doors.cli.app import app

    try:
        app()
        return 0
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        return _fail("interrupted; what was committed before is safe", code=INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConfigError as error:
        return _fail(error.message, cure=error.cure, kind=type(error).__name__, code=2)
    except SegueError as error:
        return _fail(error.message, cure=error.cure, kind=type(error).__name__)
    except OSError as error:
        return _fail(
            f"the system refused: {error.strerror or error}"
            + (f" ({error.filename})" if error.filename else ""),
            cure="Nothing half-written is used; free space or mend permissions, then run it again.",
        )
    except Exception as error:
        return _fault(error)


def _fail(message: str, *, cure: str = "", kind: str = "SegueError", code: int = 1) -> int:
    """Say what went wrong on standard error, and as JSON on standard output when asked for."""
    sys.stderr.write(f"segue: {message}\n")
    if cure:
        sys.stderr.write(f"       {cure}\n")
    if "--json" in sys.argv:
        answer = {"error": {"kind": kind, "message": message, "cure": cure}}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return code


def _fault(error: Exception) -> int:
    """A fault of ours: the details go to a file, not to the person."""
    from segue.settings import default_home

    home = Path(os.environ.get("SEGUE_HOME") or default_home()).expanduser()
    text = "".join(traceback.format_exception(error))
    try:
        home.mkdir(parents=True, exist_ok=True)
        report = home / "fault.log"
        with os.fdopen(os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        where = f"The details are in {report}; please report them."
    except OSError:
        where = "The details could not be written down."
    return _fail(f"a fault inside Segue: {type(error).__name__}: {error}", cure=where, code=FAULT)
