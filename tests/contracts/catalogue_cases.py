"""Small good catalogues, for the contract of sources."""

from __future__ import annotations

from segue.sources.track_table import TrackTable
from tests.contracts.source_contract import SourceCase

__all__ = ["CATALOGUE_CASES"]

_CATALOGUE = frozenset({"catalogue"})

CATALOGUE_CASES = [
    SourceCase(
        make=TrackTable,
        name="dataset.csv",
        content=(
            b"track_id,artists,track_name,energy,tempo,track_genre\n"
            b"5SuOikwiRyPMVoIQDJUgSV,Ann;Bob,One,0.5,120,pop\n"
            b"5SuOikwiRyPMVoIQDJUgSV,Ann;Bob,One,0.5,120,rock\n"
            b"4qPNDBW1i3p13qLCt0Ki3A,Cid,Two,7,120,rock\n"
            b"too,short\n"
        ),
        read=4,
        rejected={"feature_out_of_range": 1, "bad_row": 1},
        tables=_CATALOGUE,
    ),
    SourceCase(
        make=TrackTable,
        name="catalogue/tracks.tsv",
        content=b"mbid\ttitle\tartist\tip address\n\tOne\tAnn\t10.1.2.3\n\t\tBob\t10.1.2.3\n",
        read=2,
        rejected={"no_id": 1},
        tables=_CATALOGUE,
        private=("10.1.2.3",),
    ),
]
