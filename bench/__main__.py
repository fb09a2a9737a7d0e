"""The tables of the documentation: `python -m bench [name …]`, all of them without a name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import (
    aws,
    aws_simulation,
    compare_power,
    elsewhere,
    event_faults,
    event_store,
    growth,
    import_speed,
    journey,
    lambda_update,
    latency,
    listeners,
    models,
    next_week,
    postgresql,
    replica_faults,
    replicas,
    scale,
    sound,
    spark,
    update_faults,
    warehouse,
)


def main() -> None:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--size", choices=sorted(models.SIZES), default="3m", help="of `models`")
    parser.add_argument("--tracks", type=int, default=latency.N_TRACKS, help="of `latency`")
    parser.add_argument(
        "--plays",
        choices=sorted({*warehouse.SIZES, *spark.SIZES}),
        nargs="+",
        default=["1m"],
        help="of `warehouse`, `postgresql`, `scale`, `spark`",
    )
    parser.add_argument("--warehouse", default="duckdb", help="of `warehouse`: the setting")
    parser.add_argument(
        "--lakes",
        type=Path,
        help="of `warehouse`, `scale`, `spark`: a folder that keeps what is made",
    )
    parser.add_argument(
        "--kills",
        type=int,
        default=0,
        help="of `event_faults`, `replica_faults`, `update_faults`",
    )
    given = parser.parse_args()
    benchmarks: dict[str, Callable[[], list[str]]] = {
        "import": import_speed.run,
        "aws": aws.run,
        "aws_simulation": aws_simulation.run,
        "journey": journey.run,
        "lambda_update": lambda_update.run,
        "models": partial(models.run, given.size),
        "compare": compare_power.run,
        "latency": partial(latency.run, given.tracks),
        "growth": growth.run,
        "event_faults": partial(event_faults.run, given.kills or event_faults.KILLS),
        "scale": partial(scale.run, given.plays, given.lakes),
        "event_store": event_store.run,
        "elsewhere": partial(elsewhere.run, given.size),
        "listeners": listeners.run,
        "next_week": next_week.run,
        "postgresql": partial(
            postgresql.run, max(warehouse.SIZES.get(size, 0) for size in given.plays)
        ),
        "replica_faults": partial(replica_faults.run, given.kills or replica_faults.ROUNDS),
        "replicas": replicas.run,
        "sound": sound.run,
        "spark": partial(spark.run, given.plays, given.lakes),
        "update_faults": partial(update_faults.run, given.kills or update_faults.KILLS),
        "warehouse": partial(warehouse.run, given.plays, given.warehouse, given.lakes),
    }
    for name in given.names or benchmarks:
        print(f"\n## {name}\n", flush=True)
        print("\n".join(benchmarks[name]()), flush=True)


main()
