"""How tests run Spark: two threads of one Java machine, which all tests of a process share."""

from __future__ import annotations

from typing import Final

from segue.settings.listening import SparkSettings

__all__ = ["LIGHT", "SPARK"]

LIGHT: Final = {
    "spark.driver.memory": "512m",
    # nothing here runs for so long that compiling it well, or collecting beside it, pays
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.python.worker.memory": "128m",
}

SPARK: Final = SparkSettings(master="local[2]", config=LIGHT)
