"""A copy of HetRec Last.fm-2K without the tags that listeners gave to what is held out for them.

Who tags an artist mostly listens to it: a tag of a held-out pair gives the pair away. The copy has
the same plays, so that a random split with the same seed holds out the same.

    python bench/hetrec_tags.py hetrec2011-lastfm-2k copy-17 --seed 17
    SEGUE_TRAINING__SEED=17 SEGUE_MODELS='{"crowd_blend": {"genres": true}}' \
        segue evaluate --dataset hetrec-lastfm --path copy-17 --models crowd_blend --k 10
"""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path

from segue.evaluation.data_splits import TRAIN, SplitRule, parts_of
from segue.flows.read_data_set import read_data_set
from segue.progress import Silent

TAGGED = "user_taggedartists.dat"


def held_out_pairs(folder: Path, seed: int) -> set[tuple[str, str]]:
    """Listener and artist's name of everything the split of this seed holds out."""
    data = read_data_set("hetrec-lastfm", folder, now=datetime.now(UTC), progress=Silent())
    held = parts_of(data, SplitRule("random"), seed) != TRAIN
    ids = [str(name).rsplit(":", 1)[1] for name in data.listener_ids]
    artists = [str(track).removeprefix("artist:") for track in data.catalogue.track_ids]
    pairs = zip(data.listeners[held].tolist(), data.tracks[held].tolist(), strict=True)
    return {(ids[listener], artists[track]) for listener, track in pairs}


def copy_without(folder: Path, copy: Path, pairs: set[tuple[str, str]]) -> int:
    """Write the copy; how many lines of tags are not in it."""
    copy.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.dat"):
        shutil.copyfile(file, copy / file.name)
    lines = (folder / "artists.dat").read_text("utf-8").splitlines()
    names = {line.split("\t")[0]: line.split("\t")[1].strip() for line in lines[1:]}
    head, *tags = (folder / TAGGED).read_text("latin-1").splitlines()
    cells = [line.split("\t") for line in tags]
    kept = [
        line
        for line, (user, artist, *_) in zip(tags, cells, strict=True)
        if (user, names.get(artist, "")) not in pairs
    ]
    (copy / TAGGED).write_text("\r\n".join([head, *kept, ""]), "latin-1", newline="")
    return len(tags) - len(kept)


def main() -> None:
    """Read the arguments, write the copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("copy", type=Path)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args()
    dropped = copy_without(given.folder, given.copy, held_out_pairs(given.folder, given.seed))
    print(f"{given.copy}: without {dropped:,} tags of what is held out")


if __name__ == "__main__":
    main()
