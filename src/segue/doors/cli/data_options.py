"""Options that say which data set is asked, and how: shared by evaluating and tuning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.evaluation.data_splits import SplitRule
    from segue.features.listens import Listens
    from segue.progress import Progress
    from segue.sources.input_limits import InputLimits

__all__ = [
    "ByOption",
    "DataOptions",
    "DataSet",
    "GapDays",
    "HoldOut",
    "Last",
    "LimitUsers",
    "Path_",
    "Split",
    "TestPath",
    "names_in",
    "numbers_in",
    "refuse_path_alone",
]

DataSet = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="A public data set: hetrec-lastfm, nowplaying, lastfm-360k, lastfm-1k, "
        "million-playlist; or table, split-files.",
    ),
]
Path_ = Annotated[
    Path | None, typer.Option("--path", help="Its file, folder or archive.", metavar="PATH")
]
TestPath = Annotated[
    Path | None,
    typer.Option("--test", help="Held-out data of the same format; --path is then all training."),
]
Split = Annotated[
    str | None,
    typer.Option(
        metavar="HOW", help="random, leave-last, time, files or sessions; default: by data set."
    ),
]
HoldOut = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Share that is tested; default 0.1, of sessions 0.05."),
]
ByOption = Annotated[
    str,
    typer.Option(
        "--hold-out-by", metavar="HOW", help="Sessions: the last in order, or drawn at random."
    ),
]
Last = Annotated[int, typer.Option(min=1, help="leave-last: plays tested of each listener.")]
GapDays = Annotated[
    float, typer.Option(min=0, help="time: days before a cut that count for nothing.")
]
LimitUsers = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Ask about so many listeners or sessions at most."),
]

_SPLIT_OF: Final = {
    "nowplaying": "sessions",
    "lastfm-1k": "time",
    "split-files": "files",
}
_BY: Final = ("order", "random")


@dataclass(frozen=True, slots=True)
class DataOptions:
    """What the options say, not yet looked at."""

    data_set: str
    path: Path | None
    test: Path | None
    split: str | None
    hold_out: float | None
    by: str
    last: int
    gap_days: float
    columns: dict[str, str]

    def rule(self) -> SplitRule:
        """How to hold out.

        Raises:
            ConfigError: There is no such split, or its options cannot be meant.
        """
        from segue.evaluation.data_splits import SPLITS, SplitRule

        usual = _SPLIT_OF.get(self.data_set, "random")
        if self.test is not None and usual != "sessions":
            usual = "files"
        name = self.split or usual
        if name not in SPLITS:
            raise ConfigError(
                f"--split {name}: there is no such split",
                field="split",
                cure=f"Choose one of: {', '.join(SPLITS)}.",
            )
        if self.by not in _BY:
            raise ConfigError(
                f"--hold-out-by {self.by}: there is no such way",
                field="hold_out_by",
                cure=f"Choose one of: {', '.join(_BY)}.",
            )
        share = self.hold_out
        if share is None:
            share = 0.05 if name == "sessions" else 0.1
        return SplitRule(
            name,  # type: ignore[arg-type]  # one of SPLITS, which are the names
            hold_out=share,
            last=self.last,
            by=self.by,  # type: ignore[arg-type]  # one of the two
            gap_days=self.gap_days,
        )

    def read(self, limits: InputLimits, progress: Progress) -> Listens:
        """The data.

        Raises:
            ConfigError: No path is given, or there is no such data set.
            SourceError: The files cannot be read.
        """
        from segue.doors.cli.context import now
        from segue.flows.read_data_set import read_data_set

        if self.path is None:
            raise ConfigError(
                f"where is {self.data_set}?",
                field="path",
                cure="Give --path with its file or folder; data sets are not downloaded.",
            )
        return read_data_set(
            self.data_set,
            self.path,
            test=self.test,
            now=now(),
            columns=self.columns,
            limits=limits,
            progress=progress,
        )


def refuse_path_alone(path: Path | None) -> None:
    """A path says nothing where no data set is named.

    Raises:
        ConfigError: There is one all the same.
    """
    if path is not None:
        raise ConfigError(
            "--path is given, and not what it is of",
            field="dataset",
            cure="Give --dataset NAME, for example --dataset table.",
        )


def names_in(text: str | None) -> list[str] | None:
    """Names apart by commas as a list; None stays None."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers_in(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers from 1 on apart by commas, each once.

    Raises:
        ConfigError: It is something else.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1 or max(numbers) > 1000:
        raise ConfigError(
            f"{option} {text}: whole numbers from 1 to 1000 are wanted",
            field=option.lstrip("-"),
            cure=f"For example {option} 10 or {option} 10,20.",
        )
    return tuple(dict.fromkeys(numbers))
