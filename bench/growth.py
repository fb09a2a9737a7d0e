"""What training and a question cost as tracks, or listeners, grow ten- and a hundredfold."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.world import NOW, World, catalogue, training_data
from segue.flows.make_models import make_models
from segue.music.query import Query
from segue.recommenders.base import Composed, Proposer
from segue.recommenders.content import Content

__all__ = ["MODELS", "STEPS", "draw", "run"]

MODELS: Final = ("als", "content", "item_knn", "popular", "session_knn")
STEPS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "tracks": ((10_000, 20_000), (100_000, 20_000), (1_000_000, 20_000), (4_000_000, 20_000)),
    "listeners": ((50_000, 2_000), (50_000, 20_000), (50_000, 200_000)),
}
"""What grows -> (tracks, listeners) of each step; every listener plays 50 tracks."""

PLAYS_EACH: Final = 50
QUESTIONS: Final = 20
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
PICTURE: Final = Path(__file__).parent.parent / "docs" / "pictures" / "growth.svg"


def run() -> list[str]:
    """A table for each thing that grows, and the picture of both."""
    found: list[dict[str, Any]] = []
    for what, steps in STEPS.items():
        for n_tracks, n_listeners in steps:
            done = subprocess.run(
                [sys.executable, "-m", "bench.growth", str(n_tracks), str(n_listeners)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, **_ONE_THREAD},
            )
            size = n_tracks if what == "tracks" else n_listeners
            facts = json.loads(done.stdout.splitlines()[-1])
            found += [{"grows": what, "size": size, **fact} for fact in facts]
            print(f"{what} {size:,} done", file=sys.stderr, flush=True)
    draw(found, PICTURE)
    lines = []
    for what in STEPS:
        lines += [*_table([fact for fact in found if fact["grows"] == what], what), ""]
    return lines[:-1]


def draw(facts: list[dict[str, Any]], picture: Path) -> None:
    """Both costs over size, logarithmic, one line a model."""
    import altair as alt

    names = {"train": "training, CPU seconds", "ask": "one question, CPU milliseconds"}
    rows = [
        {"model": fact["model"], "size": fact["size"], "grows": fact["grows"], "cost": fact[key]}
        | {"what": what}
        for fact in facts
        for key, what in names.items()
    ]
    scale = alt.Scale(type="log", nice=False)
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("size:Q", scale=scale, title=None, axis=alt.Axis(format="~s", tickCount=3)),
            y=alt.Y("cost:Q", scale=alt.Scale(type="log"), title=None),
            color=alt.Color("model:N", title=None),
        )
        .properties(width=260, height=200)
        .facet(row=alt.Row("what:N", title=None), column=alt.Column("grows:N", title=None))
        .resolve_scale(x="independent", y="independent")
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    chart.save(str(picture))


def _table(facts: list[dict[str, Any]], what: str) -> list[str]:
    sizes = sorted({fact["size"] for fact in facts})
    by = {(fact["model"], fact["size"]): fact for fact in facts}
    lines = [
        f"| {what} grow | {' | '.join(f'{size:,}' for size in sizes)} |",
        "|---|" + "---:|" * len(sizes),
    ]
    for model in MODELS:
        each = [by[model, size] for size in sizes]
        cells = [f"{one['train']:.2f} s, {one['ask']:.1f} ms" for one in each]
        lines.append(f"| {model}: training, a question | {' | '.join(cells)} |")
    near = [by["content", size].get("found") for size in sizes]
    if any(near):
        cells = ["exact" if share is None else f"{share:.1%}" for share in near]
        lines.append(f"| content: found of an exact search | {' | '.join(cells)} |")
    peaks = [f"{by[MODELS[0], size]['peak_mib']:,.0f} MiB" for size in sizes]
    lines.append(f"| peak memory, data and all models | {' | '.join(peaks)} |")
    return lines


def _measured(n_tracks: int, n_listeners: int) -> list[dict[str, Any]]:
    """CPU time of each model's training, and of a question for 500 tracks once it is warm."""
    world = World(n_tracks)
    tracks = catalogue(world)
    data = training_data(
        world,
        tracks,
        n_listeners=n_listeners,
        n_pairs=PLAYS_EACH * n_listeners,
        n_sessions=5 * n_listeners,
    )
    histories = [world.history(tracks.track_ids, 5_000, seed) for seed in range(QUESTIONS)]
    found = []
    for model in make_models(MODELS, seed=17, threads=0):
        if isinstance(model, Composed) or not isinstance(model, Proposer):
            continue
        began = time.process_time()
        model.fit(data)
        trained = time.process_time() - began
        taken = []
        for history in histories:
            query = Query("somebody", NOW, history=history)
            began = time.process_time()
            model.propose(query, 500)
            taken.append(1000 * (time.process_time() - began))
        asked = float(np.median(taken[2:]))
        found.append({"model": model.name, "train": trained, "ask": asked})
        if isinstance(model, Content) and model.cells_ is not None:
            found[-1]["found"] = _share_found(model, histories)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [{**fact, "peak_mib": peak} for fact in found]


def _share_found(model: Content, histories: Sequence[pa.Table]) -> float:
    """How many of the tracks of an exact search are found by one that looks into cells only."""
    cells, shares = model.cells_, []
    for history in histories:
        query = Query("somebody", NOW, history=history)
        near, _ = model.propose(query, 500)
        model.cells_ = None
        exact, _ = model.propose(query, 500)
        model.cells_ = cells
        shares.append(len(np.intersect1d(near, exact)) / len(exact))
    return float(np.mean(shares))


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]), int(sys.argv[2]))))
