"""The index of a bundle's tracks by words, kept beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from segue.features.track_search import TrackSearch
from segue.features.trigrams import Trigrams
from segue.recommenders.arrays import load_array, save_arrays
from segue.recommenders.kept_names import load_strings, save_strings

__all__ = ["load_search", "save_search"]

_WORDS: Final = "words.arrow"
_TEXTS: Final = "texts.arrow"


def save_search(folder: Path, search: TrackSearch) -> None:
    """Write it into an existing empty folder."""
    spelled = search.spelled
    save_arrays(
        folder,
        {
            "offsets": search.offsets,
            "postings": search.postings,
            "sizes": search.sizes,
            "fame": search.fame,
            "runs_offsets": spelled.offsets,
            "runs_places": spelled.places,
            "runs_order": spelled.order,
            "runs_starts": spelled.starts,
        },
    )
    save_strings(folder / _WORDS, search.words)
    save_strings(folder / _TEXTS, search.texts)


def load_search(folder: Path) -> TrackSearch | None:
    """Read it back, mapped; None from a bundle that was written without."""
    if not folder.is_dir():
        return None
    offsets, postings, sizes, fame = (
        load_array(folder, name) for name in ("offsets", "postings", "sizes", "fame")
    )
    runs = (load_array(folder, f"runs_{name}") for name in ("offsets", "places", "order", "starts"))
    return TrackSearch(
        words=load_strings(folder / _WORDS),
        offsets=offsets,
        postings=postings,
        spelled=Trigrams(*runs),
        texts=load_strings(folder / _TEXTS),
        sizes=sizes,
        fame=fame,
    )
