"""The door itself: runs a command and turns every error into words and an exit code.

Exit codes: 0 done; 1 something named in the message went wrong; 2 the command line or a setting
is wrong; 70 a fault inside Segue; 130 interrupted; 143 ended from outside.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final, TextIO

from segue.doors.cli.interruption import Interruption
from segue.doors.cli.own_job import own_job
from segue.errors import ConfigError, SegueError
from segue.own_folder import own_folder

__all__ = ["main"]

FAULT: Final = 70
WRONG_USE: Final = 2


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Idle threads that spin, and a BLAS pool inside each worker, cost more than they bring.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _open_streams()
    job = own_job()
    if job is not None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # its parent may ignore it
    interruption = Interruption() if job is None else Interruption(job.end)
    interruption.listen()
    try:
        code = _run(interruption)
    except KeyboardInterrupt:
        code = interruption.code
    interruption.over()
    if interruption.number:  # whatever became of the exception on its way
        code = interruption.code
        if interruption.first_to_speak():
            _fail(interruption.message, kind="Interrupted")
    code = _flushed(code)
    if job is not None:
        job.end(code)
    sys.exit(code)


def _run(interruption: Interruption) -> int:
    from segue.doors.cli.app import app, usage_of

    try:
        code = app(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):
            return _reader_is_gone()
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BrokenPipeError:
        return _reader_is_gone()
    except ConfigError as error:
        return _fail(error.message, cure=error.cure, kind=type(error).__name__, code=WRONG_USE)
    except SegueError as error:
        return _fail(error.message, cure=error.cure, kind=type(error).__name__)
    except OSError as error:
        return _fail(
            f"the system refused: {error.strerror or error}"
            + (f" ({error.filename})" if error.filename else ""),
            cure="Nothing half-written is used; free space or mend permissions, then run it again.",
        )
    except Exception as error:
        if (usage := usage_of(error)) is not None:
            return _fail(usage, kind="UsageError", code=WRONG_USE, plain=True)
        return 0 if interruption.number else _fault(error)


def _fail(
    message: str, *, cure: str = "", kind: str = "SegueError", code: int = 1, plain: bool = False
) -> int:
    """Say what went wrong on standard error, and as JSON on standard output when asked for."""
    if (job := own_job()) is not None:
        job.say(message, None)
    lines = message if plain else f"segue: {message}" + (f"\n       {cure}" if cure else "")
    with suppress(OSError):
        sys.stderr.write(f"{lines}\n")
    if "--json" in sys.argv:
        answer = {"error": {"kind": kind, "message": message.strip(), "cure": cure}}
        with suppress(OSError):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    return code


def _fault(error: Exception) -> int:
    """A fault of ours: the details go to a file, not to the person."""
    text = "".join(traceback.format_exception(error))
    try:
        home = _home().expanduser()
        own_folder(home)
        report = home / "fault.log"
        with os.fdopen(os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        where = f"The details are in {report}; please report them."
    except (OSError, RuntimeError):
        where = "The details could not be written down."
    return _fail(f"a fault inside Segue: {type(error).__name__}: {error}", cure=where, code=FAULT)


def _home() -> Path:
    """The data home of this call, found without the parser, which may be what has failed."""
    from segue.settings import default_home

    given = [word.partition("=")[2] for word in sys.argv if word.startswith("--home=")]
    given += [value for word, value in pairwise(sys.argv) if word == "--home"]
    return Path((given or [""])[-1] or os.environ.get("SEGUE_HOME") or default_home())


def _open_streams() -> None:
    """Streams that are there, and take any text: what a terminal cannot show becomes “?”."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _reader_is_gone() -> int:
    """The reader of a pipe (head, less) has seen enough: that is no error."""
    _silence(sys.stdout)
    return 0


def _flushed(code: int) -> int:
    """The exit code, once all output has left; what cannot leave is an error, said here."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        return _fail(f"the output cannot be written: {error.strerror}") if code == 0 else code
    with suppress(OSError):
        sys.stderr.flush()
    return code


def _silence(stream: TextIO) -> None:
    """Keep Python from trying again, and complaining, as it leaves."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
