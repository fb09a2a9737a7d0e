"""The tracks that may be recommended, as arrays beside their ids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from segue.music import columns as c

__all__ = ["Catalogue"]


@dataclass(frozen=True)
class Catalogue:
    """The `tracks` mart and its columns as arrays, row i of each being track i.

    Args:
        tracks: Arrow table in the schema of `MARTS["tracks"]`, sorted by track_id.
    """

    tracks: pa.Table

    def __len__(self) -> int:
        return int(self.tracks.num_rows)

    @cached_property
    def track_ids(self) -> npt.NDArray[np.object_]:
        """Ids, ascending, shape (n_tracks,)."""
        return np.asarray(self.tracks[c.TRACK_ID].to_numpy(zero_copy_only=False), dtype=object)

    @cached_property
    def track_index(self) -> dict[str, int]:
        """track_id -> row."""
        return {track: row for row, track in enumerate(self.track_ids)}

    @cached_property
    def audio(self) -> npt.NDArray[np.float32]:
        """Raw audio features in the order of AUDIO_FEATURES, NaN where unknown, (n_tracks, 12)."""
        columns = [
            self.tracks[name].to_numpy(zero_copy_only=False).astype(np.float32)
            for name in c.AUDIO_FEATURES
        ]
        return np.stack(columns, axis=1) if len(self) else np.empty((0, 12), np.float32)
