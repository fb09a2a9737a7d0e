"""Tracks that sound alike: `Content.similar` beside scikit-learn's brute-force cosine.

scikit-learn is no part of Segue, so it is installed into a throwaway environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from bench.elsewhere import environment
from bench.world import World, catalogue
from segue.features.catalogue import Catalogue
from segue.features.vectors import TrackVectors, track_vectors

__all__ = ["run"]

_SIZES: Final = (50_000, 500_000)
_BLOCKS: Final = 10
_A_BLOCK: Final = 10
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_NAMES: Final[Mapping[str, str]] = {
    "segue": "**Segue `Content.similar`**",
    "scikit_audio": "scikit-learn, audio features alone",
    "scikit_audio_block": "the same, ten questions in a call",
    "scikit_vectors": "scikit-learn, Segue's vectors",
}
_ROOT: Final = Path(__file__).parents[1]


def run(sizes: Sequence[int] = _SIZES) -> list[str]:
    """A line for each side and size: preparation, a question, memory, and how ours compares."""
    with tempfile.TemporaryDirectory() as name:
        python = environment(Path(name) / "scikit", ("numpy", "scipy", "scikit-learn"))
        if not isinstance(python, Path):
            return [f"scikit-learn: skipped, {python}"]
        lines = [
            f"The 100 tracks most like one, for {_BLOCKS * _A_BLOCK} tracks in blocks of "
            f"{_A_BLOCK}, sides in turn, one thread each.",
            "",
            "| tracks | | preparation | a question | CPU | beside ours, CPU | peak memory "
            "| of the 100 of Segue's vectors |",
            "|---:|---|---:|---:|---:|---:|---:|---:|",
        ]
        for n_tracks in sizes:
            folder = Path(name) / str(n_tracks)
            folder.mkdir()
            _written(n_tracks, folder)
            lines += _compared(n_tracks, folder, python)
            print("\n".join(lines[-len(_NAMES) :]), file=sys.stderr, flush=True)
    return lines


def _written(n_tracks: int, folder: Path) -> None:
    """One catalogue as each side wants it."""
    tracks = catalogue(World(n_tracks))
    with pa.ipc.new_file(str(folder / "catalogue.arrow"), tracks.tracks.schema) as file:
        file.write_table(tracks.tracks)
    np.save(folder / "audio.npy", np.asarray(tracks.audio))
    sp.save_npz(folder / "vectors.npz", _as_one_matrix(tracks), compressed=False)


def _as_one_matrix(tracks: Catalogue) -> sp.csr_matrix:
    """The vectors that Segue compares, a row a track."""
    vectors: TrackVectors = track_vectors(tracks)
    shape = (len(vectors.offsets) - 1, vectors.n_terms)
    sets = sp.csr_matrix((vectors.weights, vectors.terms, vectors.offsets), shape)
    genres = sp.diags(vectors.genre_share) @ sets[vectors.genre_set]
    return sp.csr_matrix(sp.hstack([sp.csr_matrix(vectors.dense), genres]), dtype=np.float32)


def _compared(n_tracks: int, folder: Path, python: Path) -> list[str]:
    """Ask all sides the same, a block each in turn."""
    asked = np.random.default_rng(n_tracks).choice(n_tracks, _BLOCKS * _A_BLOCK, replace=False)
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in _NAMES}
    with ExitStack() as stack:
        asking = {
            side: stack.enter_context(_started(side, folder, python, answers[side]))
            for side in _NAMES
        }
        for at, block in enumerate([asked[:_A_BLOCK], *np.split(asked, _BLOCKS)]):
            for side in asking if at % 2 else reversed(asking):
                asking[side](block.tolist())
    return [_line(n_tracks, side, answers) for side in _NAMES]


@contextmanager
def _started(
    side: str, folder: Path, python: Path, answers: list[dict[str, Any]]
) -> Iterator[Callable[[list[int]], None]]:
    """A side that waits for blocks; what it says, first of its preparation, is appended."""
    with subprocess.Popen(
        [
            sys.executable if side == "segue" else str(python),
            "-m",
            "bench.sound_sides",
            side,
            folder,
        ],
        cwd=_ROOT,
        env={**os.environ, **_ONE_THREAD},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asks, says = process.stdin, process.stdout

        def heard() -> None:
            line = says.readline()
            if not line:
                raise RuntimeError(f"{side} ended early")
            answers.append(json.loads(line))

        def ask(rows: list[int]) -> None:
            asks.write(f"{json.dumps(rows)}\n")
            asks.flush()
            heard()

        heard()
        yield ask
        asks.close()


def _line(n_tracks: int, side: str, answers: Mapping[str, list[dict[str, Any]]]) -> str:
    ready, _, *blocks = answers[side]  # the first block warms up
    seconds, cpu = (_a_question(blocks, name) for name in ("seconds", "cpu"))
    ours = _a_question(answers["segue"][2:], "cpu")
    beside = "1" if side == "segue" else f"{cpu / ours:.2f} ×"
    return (
        f"| {n_tracks:,} | {_NAMES[side]} | {ready['seconds']:.1f} s | {1000 * seconds:.1f} ms "
        f"| {1000 * cpu:.1f} ms | {beside} | {blocks[-1]['peak_mib']:,.0f} MiB "
        f"| {_shared(blocks, answers['scikit_vectors'][2:]):.0f} |"
    )


def _a_question(blocks: Sequence[Mapping[str, Any]], name: str) -> float:
    """The median over blocks, for one question."""
    return float(np.median([block[name] for block in blocks])) / _A_BLOCK


def _shared(blocks: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> float:
    """How many of 100 tracks both found, on average."""
    pairs = [
        (one, other)
        for block, rival in zip(blocks, others, strict=True)
        for one, other in zip(block["found"], rival["found"], strict=True)
    ]
    return float(np.mean([len({*one} & {*other}) for one, other in pairs]))
