"""A session of Spark: started here, or joined on a cluster, and what it says when it fails."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from segue.errors import ConfigError, StorageError

__all__ = ["spark_context"]

_log = logging.getLogger(__name__)
_CURE: Final = "pip install 'segue[spark]', and install Java 17 or later."

_COMMON: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
    "spark.rpc.message.maxSize": "1024",
}
"""Settings that Segue needs: arrays of hundreds of megabytes come back to the driver."""


@contextmanager
def spark_context(master: str, config: Mapping[str, str], *, doing: str) -> Iterator[Any]:
    """A SparkContext, for as long as it is needed.

    Args:
        master: Spark's word for where it runs: local[*], spark://…, yarn …; what was told to
            spark-submit comes before it.
        config: Further settings of Spark, which come before Segue's own.
        doing: What it is for: "training", "build".

    Raises:
        ConfigError: Spark or Java is not installed, or it cannot be reached, or went away.
        StorageError: An executor failed again and again.
    """
    context = _started(master, config, doing)
    broken: type[Exception] = import_module("py4j.protocol").Py4JError  # comes with Spark
    try:
        yield context
    except broken as error:
        if context._jsc.sc().isStopped():  # a cluster that never answered, or has gone
            raise ConfigError(
                f"Spark has lost {context.master}, or never reached it",
                field="spark.master",
                cure="Look at the setting spark.master, and at what Spark says above.",
            ) from error
        raise StorageError(
            f"Spark gave the {doing} up: {_reason(error)}",
            cure="Its log above says where. Every executor needs segue[spark] and the files of the "
            "data home, or a lake in S3.",
        ) from error
    finally:
        context.stop()


def _reason(error: Exception) -> str:
    """The line of an executor's own error, which stands in the middle of a page of Java."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    own = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    return (own or lines or ["no reason is given"])[0]


def _started(master: str, config: Mapping[str, str], doing: str) -> Any:
    try:
        from pyspark import SparkConf, SparkContext
    except ImportError as error:
        raise ConfigError("Spark is not installed", field="training.engine", cure=_CURE) from error
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ConfigError("Spark needs Java", field="training.engine", cure=_CURE)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    settings = {**(_COMMON if submitted else _own(master)), **config}
    told = SparkConf().setAppName(f"segue {doing}").setAll(list(settings.items()))
    if not submitted:  # whoever submits to a cluster says where it is, and which Python runs there
        told.setMaster(master)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable if _is_local(master) else "python3")
    try:
        context = SparkContext(conf=told)
    except Exception as error:  # what the Java side raises is of no class that could be named
        raise ConfigError(
            f"Spark cannot be started at {master}: {str(error).splitlines()[0]}",
            field="spark.master",
            cure="Look at the setting spark.master, and at what Spark says above.",
        ) from error
    context.setLogLevel("ERROR")
    _log.info("Spark %s at %s", context.version, context.master)
    return context


def _is_local(master: str) -> bool:
    return master.startswith("local")


def _own(master: str) -> dict[str, str]:
    if not _is_local(master):
        return dict(_COMMON)
    here = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return {**_COMMON, **here, "spark.driver.memory": "4g"}
