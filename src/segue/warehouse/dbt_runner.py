"""Runs the dbt project that ships in this package: in process, offline, quietly."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segue.errors import WarehouseError
from segue.progress import Progress
from segue.warehouse.storage import make_folder, storing

__all__ = ["PROJECT", "DbtResult", "run_dbt"]

PROJECT: Final = Path(__file__).parent / "dbt"
"""The dbt project; never written to."""

_log = logging.getLogger(__name__)
_QUIET: Final = (
    "--quiet",
    "--no-print",
    "--log-level=none",
    "--log-level-file=none",
    "--no-use-colors",
    "--no-version-check",
    "--no-write-json",
    "--no-send-anonymous-usage-stats",
)


@dataclass(frozen=True, slots=True)
class DbtResult:
    """What a run did.

    Args:
        models: Models built.
        tests: Tests that passed.
    """

    models: int
    tests: int


def run_dbt(
    arguments: Sequence[str],
    *,
    output: Mapping[str, Any],
    folder: Path,
    variables: Mapping[str, float],
    progress: Progress,
) -> DbtResult:
    """Run one dbt command, such as ("build",), on the project.

    Args:
        arguments: The command and its own options.
        output: The profile's output: adapter type, path, threads, settings.
        folder: Where dbt may write its profile, parse cache and logs; made when needed.
        variables: dbt variables.
        progress: Told of every model and test.

    Raises:
        WarehouseError: A model or a test failed; the message names it and says why.
        StorageError: The disk is full or the folder cannot be written.
    """
    # JSON is YAML; dbt reads a profile from a folder
    profile = {"segue": {"target": "segue", "outputs": {"segue": dict(output)}}}
    with storing(folder):
        make_folder(folder)
        (folder / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    command = [
        *_QUIET,
        *arguments,
        f"--project-dir={PROJECT}",
        f"--profiles-dir={folder}",
        f"--target-path={folder / 'target'}",
        f"--log-path={folder / 'logs'}",
        f"--vars={json.dumps(dict(variables))}",
    ]
    with _contained():
        return _invoke(command, progress)


def _invoke(command: list[str], progress: Progress) -> DbtResult:
    from dbt.adapters.duckdb import connections
    from dbt.cli.main import dbtRunner

    held: Any = connections.DuckDBConnectionManager

    progress.start("dbt", unit="models and tests")

    def listen(event: Any) -> None:
        if event.info.name == "NodeFinished":
            progress.advance()

    try:
        answer = dbtRunner(callbacks=[listen]).invoke(command)
    finally:
        held.close_all_connections()  # else this process keeps the file open
    if isinstance(answer.exception, (KeyboardInterrupt, SystemExit)):
        raise answer.exception
    if not answer.success:
        raise _error(answer)
    # other commands than build and test (parse, compile) have no results of this form
    results = getattr(answer.result, "results", ())
    kinds = [result.node.resource_type.value for result in results]
    done = DbtResult(
        models=kinds.count("model"), tests=kinds.count("test") + kinds.count("unit_test")
    )
    progress.done(f"{done.models} models, {done.tests} tests passed")
    return done


def _error(answer: Any) -> WarehouseError:
    failed = [
        f"{result.node.resource_type.value.replace('_', ' ')} {result.node.name}: "
        + " ".join((result.message or str(result.status)).split())
        for result in getattr(answer.result, "results", ())
        if result.status.value in ("error", "fail", "runtime error")
    ]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        message = f"dbt {failed[0]}{more}"
    else:
        message = f"dbt could not run: {' '.join(str(answer.exception).split())}"
    error = WarehouseError(
        f"the build failed, and the last published snapshot stays as it was; {message}",
        cure="Run `segue build` again; if it fails again, report this message.",
    )
    error.__cause__ = answer.exception
    return error


@contextmanager
def _contained() -> Iterator[None]:
    """Undo what dbt changes in this process: the environment, warnings, and log levels."""
    environment = dict(os.environ)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        root.setLevel(level)
        root.handlers[:] = handlers
