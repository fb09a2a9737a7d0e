"""Runs the dbt project that ships in this package: in process, offline, quietly."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from segue.errors import ConfigError, StorageError, WarehouseError
from segue.progress import Progress
from segue.warehouse.change_plan import ChangePlan, plan_of
from segue.warehouse.dbt_memory import MODELS, PARSED, PLANS, Parsed
from segue.warehouse.full_models import Model, models_of
from segue.warehouse.storage import make_folder, storing
from segue.warehouse.track_matching import METHOD

__all__ = ["BUILD_AGAIN", "PROJECT", "STAYS", "DbtProject", "DbtResult"]

PROJECT: Final = Path(__file__).parent / "dbt"
"""The dbt project; never written to."""

STAYS: Final = "and the last published snapshot stays as it was"
"""What is said of every build that failed."""

BUILD_AGAIN: Final = "Run `segue build` again; if it fails again, report this message."

_log = logging.getLogger(__name__)
_FULL: Final = ("No space left on device", "File too large", "Disk quota exceeded")
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


class DbtProject:
    """The project, set up for one warehouse; dbt starts while others still have work to do.

    Loading dbt and parsing the project takes seconds and no database: `prepare` begins with it
    in the background, `run` waits for it.

    Args:
        output: Gives the profile's output: adapter type, path, threads, settings. It is written
            to the folder, so it holds no secret.
        folder: Where dbt may write its profile, parse cache and logs; made when needed.
        variables: dbt variables.
        environment: Gives what the environment holds while dbt runs, secrets too.
    """

    def __init__(
        self,
        *,
        output: Callable[[], Mapping[str, Any]],
        folder: Path,
        variables: Mapping[str, Any],
        environment: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._folder = folder
        self._output = output
        self._environment = environment
        self._variables = json.dumps({**variables, "edition": _edition()})
        self._options = (
            f"--project-dir={PROJECT}",
            f"--profiles-dir={folder}",
            f"--log-path={folder / 'logs'}",
            f"--vars={self._variables}",
        )
        self._manifest: Any = None
        self._preparing: threading.Thread | None = None

    @property
    def made_from(self) -> str:
        """A hash of what a plan follows from: the project, its variables, the target, dbt.

        Of the target what its names follow from: another folder or port changes no statement.
        """
        return self._hash_of(*self._parsed_from, self._database)

    @property
    def _parsed_from(self) -> tuple[Any, ...]:
        """What parsing follows from, the database left out."""
        output = self._output()
        return (
            _versions(output["type"]),
            str(PROJECT),
            self._variables,
            output["type"],
            output["schema"],
        )

    @property
    def _database(self) -> str:
        """The database as SQL names it; that of DuckDB is called like its file."""
        output = self._output()
        named = output.get("database") or output.get("dbname") or Path(output["path"]).stem
        return str(named)

    @staticmethod
    def _hash_of(*known: Any) -> str:
        return hashlib.blake2b(repr(known).encode(), digest_size=16).hexdigest()

    def plan(self) -> ChangePlan:
        """What a build of changes does, compiled by dbt; nothing is made.

        Raises:
            WarehouseError: The project cannot be compiled; the message says why.
            StorageError: The disk is full or the folder cannot be written.
        """
        made_from = self.made_from
        if (known := PLANS.get(made_from)) is not None:
            return known
        depends_on, compiled = self._compiled()
        return PLANS.keep(made_from, plan_of(compiled, depends_on, made_from))

    def models(self) -> tuple[Model, ...]:
        """What a full build makes, compiled by dbt; nothing is made.

        Raises:
            WarehouseError: The project cannot be compiled; the message says why.
            StorageError: The disk is full or the folder cannot be written.
        """
        made_from = self.made_from
        if (known := MODELS.get(made_from)) is not None:
            return known
        depends_on, compiled = self._compiled("--full-refresh", "--select=resource_type:model")
        return MODELS.keep(made_from, models_of(compiled, depends_on))

    def _compiled(self, *options: str) -> tuple[dict[str, list[str]], list[Any]]:
        """What every node reads, and the nodes that dbt has compiled."""
        self.wait()
        if self._manifest is None:
            self._parse()
        every = self._manifest.nodes if self._manifest is not None else {}
        problems: list[str] = []
        answer = self._invoke(("compile", *options), _errors_to(problems), target="plan")
        if not answer.success:
            raise _error(answer, problems)
        depends_on = {name: node.depends_on.nodes for name, node in every.items()}
        return depends_on, [each.node for each in answer.result.results]

    def prepare(self) -> None:
        """Begin to load dbt and to parse the project, unless that was begun before.

        Raises:
            ConfigError: dbt is not installed.
        """
        if self._preparing is not None:
            return
        _versions(self._output()["type"])  # what is missing is said here, not in a thread
        # a daemon, so that an interrupted program need not wait for it
        self._preparing = threading.Thread(target=self._parse, name="dbt-parse", daemon=True)
        self._preparing.start()

    def wait(self) -> None:
        """Until what `prepare` began is over; nothing to wait for is fine, too."""
        if self._preparing is not None:
            self._preparing.join()
            self._preparing = None

    def run(self, arguments: Sequence[str], progress: Progress) -> DbtResult:
        """Run one dbt command, such as ("build",), on the project.

        Args:
            arguments: The command and its own options.
            progress: Told of every model and test.

        Raises:
            WarehouseError: A model or a test failed; the message names it and says why.
            StorageError: The disk is full or the folder cannot be written.
        """
        progress.start("dbt", unit="models and tests")
        problems: list[str] = []
        hear = _errors_to(problems)

        def listen(event: Any) -> None:
            if event.info.name == "NodeFinished":
                progress.advance()
            hear(event)

        self.wait()
        answer = self._invoke(arguments, listen)
        if isinstance(answer.exception, (KeyboardInterrupt, SystemExit)):
            raise answer.exception
        if not answer.success:
            raise _error(answer, problems)
        # other commands than build and test (parse, compile) have no results of this form
        results = getattr(answer.result, "results", ())
        kinds = [result.node.resource_type.value for result in results]
        done = DbtResult(
            models=kinds.count("model"), tests=kinds.count("test") + kinds.count("unit_test")
        )
        progress.done(f"{done.models} models, {done.tests} tests passed")
        return done

    def _parse(self) -> None:
        made_from, database = self._hash_of(*self._parsed_from), self._database
        if (known := PARSED.get(made_from)) is not None:
            self._manifest = known.manifest(database)
            return
        try:
            answer = self._invoke(("parse",))
        except StorageError:
            return  # `run` meets it again, and tells
        if answer.success:  # else `run` parses again, and tells what is wrong
            self._manifest = answer.result
            PARSED.keep(made_from, Parsed(answer.result.to_msgpack(), database))

    def _invoke(
        self,
        arguments: Sequence[str],
        listen: Callable[[Any], None] | None = None,
        *,
        target: str = "target",
    ) -> Any:
        output = self._output()
        with _contained(self._environment()):
            from dbt.cli.main import dbtRunner

            with storing(self._folder):
                make_folder(self._folder)
                self._write_profile(output)
            runner = dbtRunner(manifest=self._manifest, callbacks=[listen] if listen else [])
            self._manifest = None  # a run changes it: good for one
            try:
                place = f"--target-path={self._folder / target}"
                return runner.invoke([*_QUIET, *arguments, *self._options, place])
            finally:
                if output["type"] == "duckdb":  # else this process keeps the file open
                    from dbt.adapters.duckdb import connections

                    held: Any = connections.DuckDBConnectionManager
                    held.close_all_connections()

    def _write_profile(self, output: Mapping[str, Any]) -> None:
        # JSON is YAML; dbt reads a profile from a folder
        profile = {"segue": {"target": "segue", "outputs": {"segue": dict(output)}}}
        (self._folder / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")


def _versions(kind: str) -> tuple[str, str]:
    """Of dbt, and of what speaks to a warehouse of this kind."""
    try:
        return version("dbt-core"), version(f"dbt-{kind}")
    except PackageNotFoundError as error:
        raise ConfigError(
            f"a build needs {error.name}, which is not installed",
            field="warehouse",
            cure="Install Segue with all that it needs; of its images `worker` and `full` build.",
        ) from error


def _edition() -> str:
    """Changes whenever the project or matching does: kept rows of models are then made anew."""
    digest = hashlib.blake2b(METHOD.encode(), digest_size=8)
    for path in sorted(PROJECT.rglob("*.*")):
        if path.suffix in (".sql", ".yml"):
            digest.update(path.relative_to(PROJECT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _errors_to(problems: list[str]) -> Callable[[Any], None]:
    """A listener that writes down what goes wrong."""

    def listen(event: Any) -> None:
        if event.info.level == "error":
            problems.append(event.info.msg)

    return listen


def _error(answer: Any, problems: Sequence[str]) -> WarehouseError:
    failed = sorted(
        f"{result.node.resource_type.value.replace('_', ' ')} {result.node.name}: "
        + " ".join((result.message or str(result.status)).split())
        for result in getattr(answer.result, "results", ())
        if result.status.value in ("error", "fail", "runtime error")
    )
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        message = f"dbt {failed[0]}{more}"
    else:  # what fails between the models has no result of its own
        said = str(answer.exception or next(iter(problems), "it does not say why"))
        message = f"dbt could not run: {' '.join(said.split())}"
    kind, cure = _kind_and_cure(message)
    error = kind(f"the build failed, {STAYS}; {message}", cure=cure)
    error.__cause__ = answer.exception
    return error


def _kind_and_cure(message: str) -> tuple[type[WarehouseError], str]:
    """What the words of a database say about whose fault it is."""
    if any(words in message for words in _FULL):
        return StorageError, "Free some space, or choose another SEGUE_HOME, and build again."
    if "Out of Memory" in message:
        return WarehouseError, "Raise the setting memory_limit and build again."
    return WarehouseError, BUILD_AGAIN


@contextmanager
def _contained(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and undo what dbt changes here: the environment, warnings, and log levels."""
    environment = dict(os.environ)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    os.environ.update(variables, DBT_SEND_ANONYMOUS_USAGE_STATS="false")
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
