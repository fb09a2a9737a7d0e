"""How the tracks sound: correlated audio features around genre, scene, artist and album."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.discography import Discography
from segue.sources.simulation.genres import CORRELATION, GENRES, SOUND, SPREAD

__all__ = ["Sound", "build_sound"]

_SHARES: Final = {"scene": 0.22, "artist": 0.33, "album": 0.15, "track": 0.30}
"""How much of the variance within a genre lies between scenes, artists, albums and tracks."""

_LOUDNESS, _TEMPO = SOUND.index("loudness"), SOUND.index("tempo")
_ENERGY, _VALENCE, _LIVENESS = (SOUND.index(name) for name in ("energy", "valence", "liveness"))
_KEY_ODDS: Final = np.array([12, 10, 11, 4, 8, 9, 7, 11, 7, 10, 6, 9.0])
_METRES: Final = np.array([4, 3, 5, 1], np.int8)
_METRE_ODDS: Final = np.array([0.90, 0.08, 0.015, 0.005])


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio features of every track.

    Args:
        features: float32, shape (n_tracks, 9), columns as SOUND names them, in Spotify's units.
        key: 0 … 11, int8. mode: 1 major, 0 minor, int8. time_signature: int8.
        drive: Liveliness, from energy and valence, for ordering within a scene.
    """

    features: npt.NDArray[np.float32]
    key: npt.NDArray[np.int8]
    mode: npt.NDArray[np.int8]
    time_signature: npt.NDArray[np.int8]
    drive: npt.NDArray[np.float32]

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """One feature of all tracks."""
        return self.features[:, SOUND.index(name)]


def build_sound(disc: Discography, rng: np.random.Generator) -> Sound:
    """Draw every track's features: its genre's centroid plus four levels of correlated offset."""
    levels: dict[str, tuple[int, npt.NDArray[np.integer[Any]] | None]] = {
        "scene": (disc.n_scenes, disc.track_scene),
        "artist": (disc.n_artists, disc.track_artist),
        "album": (disc.n_albums, disc.track_album),
        "track": (disc.n_tracks, None),
    }
    offset = np.zeros((disc.n_tracks, len(SOUND)), np.float32)
    for name, (size, index) in levels.items():
        drawn = _correlated(size, rng) * np.float32(_SHARES[name] ** 0.5)
        offset += drawn if index is None else drawn[index]
    copies = np.flatnonzero(disc.original >= 0)  # the same recording, or the same song live
    offset[copies] = offset[disc.original[copies]] + 0.06 * offset[copies]
    drive = (0.65 * offset[:, _ENERGY] + 0.35 * offset[:, _VALENCE]).astype(np.float32)
    features = _in_units(offset, disc)
    minor = 1 / (1 + np.exp(3.2 * (features[:, _VALENCE].astype(np.float64) - 0.28)))
    return Sound(
        features=features,
        key=rng.choice(12, disc.n_tracks, p=_KEY_ODDS / _KEY_ODDS.sum()).astype(np.int8),
        mode=(rng.random(disc.n_tracks) > minor).astype(np.int8),
        time_signature=rng.choice(_METRES, disc.n_tracks, p=_METRE_ODDS),
        drive=drive,
    )


def _correlated(size: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Standard normal rows with the correlation of the features, shape (size, 9)."""
    root = np.linalg.cholesky(CORRELATION).astype(np.float32)
    drawn = rng.standard_normal((size, len(SOUND)), dtype=np.float32)
    mixed = np.zeros_like(drawn)
    for column in range(len(SOUND)):  # by hand: a library's product may round by thread count
        mixed += drawn[:, column : column + 1] * root[:, column]
    return mixed


def _in_units(offset: npt.NDArray[np.float32], disc: Discography) -> npt.NDArray[np.float32]:
    """From offsets to Spotify's units: shares bent by the logistic, loudness and tempo plain."""
    centre = np.array([genre.sound for genre in GENRES])
    plain = [_LOUDNESS, _TEMPO]
    bent = [column for column in range(len(SOUND)) if column not in plain]
    centre[:, bent] = np.log(centre[:, bent] / (1 - centre[:, bent]))
    genre = disc.artist_genre[disc.track_artist]
    values = centre.astype(np.float32)[genre] + offset * SPREAD.astype(np.float32)
    values[disc.is_live, _LIVENESS] += np.float32(3.0)
    values[:, bent] = 1 / (1 + np.exp(-values[:, bent]))
    values[:, _LOUDNESS] = np.clip(values[:, _LOUDNESS], -42, 0.5)
    values[:, _TEMPO] = np.clip(values[:, _TEMPO], 48, 216)
    return values
