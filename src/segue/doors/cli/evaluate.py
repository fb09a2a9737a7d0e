"""`segue evaluate`: which recommender would have been right, about you or on a data set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from segue.doors.cli.add import Columns, parse_columns
from segue.doors.cli.context import AsJson, Call, User, call_of, print_json, say
from segue.doors.cli.data_options import (
    ByOption,
    DataOptions,
    DataSet,
    GapDays,
    HoldOut,
    Last,
    LimitUsers,
    Path_,
    Split,
    TestPath,
    names_in,
    numbers_in,
    refuse_path_alone,
)
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.evaluation.data_board import DataBoard
    from segue.evaluation.leaderboard import Leaderboard
    from segue.flows.evaluate_data_set import Asking
    from segue.flows.personalize.seen import Seen
    from segue.settings import Settings

__all__ = ["add_to"]

_OWN_K = "30"
_DATA_K = "10,20"

_ELSEWHERE: Final = "personalize"  # it knows nobody of a data set
_OF_OWN_PLAYS: Final = ("weeks", "user", "rules")
_OF_DATA_SETS: Final = (
    "test",
    "split",
    "hold_out",
    "hold_out_by",
    "last",
    "gap_days",
    "column",
    "against",
    "seeds",
    "repeats",
    "unseen",
    "validation",
    "limit_users",
)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "evaluate",
        epilog="Example:  segue evaluate --weeks 4 --k 10\n\n"
        "Example:  segue evaluate --dataset hetrec-lastfm --path hetrec2011-lastfm-2k --seeds 5",
    )(evaluate)


def evaluate(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks held out at the end.")] = 4,
    k: Annotated[
        str | None, typer.Option(metavar="N[,N]", help="Lengths of the lists compared.")
    ] = None,
    user: User = None,
    dataset: DataSet = None,
    path: Path_ = None,
    test: TestPath = None,
    split: Split = None,
    hold_out: HoldOut = None,
    hold_out_by: ByOption = "order",
    last: Last = 1,
    gap_days: GapDays = 0.0,
    column: Columns = None,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these models; default: all.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Tell differences from it; default: best.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Draw the split so often, and average.")
    ] = 1,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="What a listener knows may be right, too.")
    ] = False,
    unseen: Annotated[
        str,
        typer.Option(
            metavar="drop|keep", help="Sessions: held-out plays of tracks training lacks."
        ),
    ] = "drop",
    validation: Annotated[
        bool, typer.Option("--validation", help="Ask about the validation part, not the test.")
    ] = False,
    limit_users: LimitUsers = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Own plays: simple rules are compared, too.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown, too.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the leaderboard: .png or .svg.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare recommenders on your own last weeks, or on a public data set.

    Everything is learned anew from what came before; then each list is compared with what was
    really played. On your own plays “playlist” is what `segue recommend` would have made, with
    your settings. Most played and popular are baselines.
    """
    from segue.flows.board_files import check_files, write_board

    call = call_of(context)
    check_files(markdown, picture)
    _refuse_what_does_not_fit(context, of_data_set=dataset is not None)
    if dataset is None:
        refuse_path_alone(path)
        board = _own(
            call,
            weeks=weeks,
            ks=numbers_in(k or _OWN_K, "--k"),
            user=user,
            rules=rules,
            shown=names_in(models),
        )
        write_board(board, markdown=markdown, picture=picture)
        if as_json:
            print_json(board.as_dict())
        else:
            from segue.doors.cli.board import board_lines

            say(*(line for length in _lengths(board) for line in board_lines(board, length)))
        return
    options = DataOptions(
        dataset,
        path,
        test,
        split=split,
        hold_out=hold_out,
        by=hold_out_by,
        last=last,
        gap_days=gap_days,
        columns=parse_columns(column),
    )
    asking = _asking(
        options,
        numbers_in(k or _DATA_K, "--k"),
        unseen=unseen,
        validation=validation,
        repeats=repeats,
        limit=limit_users,
    )
    found = _of_data_set(call, options, asking, names_in(models), against=against, seeds=seeds)
    write_board(found, markdown=markdown, picture=picture)
    if as_json:
        print_json(found.as_dict())
    else:
        from segue.doors.cli.data_board import data_board_lines

        say(*data_board_lines(found))


def _asking(
    options: DataOptions,
    ks: tuple[int, ...],
    *,
    unseen: str,
    validation: bool,
    repeats: bool,
    limit: int | None,
) -> Asking:
    from segue.flows.evaluate_data_set import Asking

    if unseen not in ("drop", "keep"):
        raise ConfigError(
            f"--unseen {unseen}: there is no such way", field="unseen", cure="Say drop or keep."
        )
    return Asking(
        rule=options.rule(),
        stage="valid" if validation else "test",
        ks=ks,
        repeats=repeats,
        unseen="drop" if unseen == "drop" else "keep",
        limit=limit,
    )


def _of_data_set(
    call: Call,
    options: DataOptions,
    asking: Asking,
    models: list[str] | None,
    *,
    against: str | None,
    seeds: int,
) -> DataBoard:
    from segue.flows.evaluate_data_set import evaluate_data_set
    from segue.flows.make_models import make_models, needed_for
    from segue.flows.wiring import Wiring

    settings = call.settings()
    needed = None if models is None else needed_for(models)
    progress = call.progress()
    data = options.read(Wiring(settings).limits, progress)
    first = settings.training.seed
    here = {name: told for name, told in settings.models.items() if name != _ELSEWHERE}
    return evaluate_data_set(
        data,
        lambda seed: make_models(
            needed, seed=seed, threads=settings.training.threads, settings=here
        ),
        asking,
        seeds=tuple(range(first, first + seeds)),
        shown=models,
        against=against,
        progress=progress,
    )


def _refuse_what_does_not_fit(context: typer.Context, *, of_data_set: bool) -> None:
    """An option that would be passed over without a word is a mistake of the caller."""
    names = _OF_OWN_PLAYS if of_data_set else _OF_DATA_SETS
    given = [
        name
        for name in names
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if given:
        option = "--" + given[0].replace("_", "-")
        where, cure = (
            ("your own plays", f"Leave out {option}, or --dataset.")
            if of_data_set
            else ("data sets", f"Leave out {option}, or add --dataset NAME and --path.")
        )
        raise ConfigError(f"{option} is for {where} only", field=given[0], cure=cure)


def _seen(settings: Settings, shown: Sequence[str] | None) -> dict[str, Seen]:
    """What a campaign of Personalize has seen, where one is to be compared."""
    name = _ELSEWHERE
    if name in settings.training.left_out or (shown is not None and name not in shown):
        return {}
    from segue.flows.personalize.seen import seen_by, settings_of

    if not (campaigns := settings_of(settings.models.get(name, {}))):
        if shown is not None:
            raise ConfigError(
                "no campaign of Personalize is named",
                field="models.personalize.campaign",
                cure="`segue personalize campaign` says what to write into segue.toml.",
            )
        return {}
    from segue.flows.personalize.account import open_account

    return {name: seen_by(open_account(settings), campaigns)}


def _own(
    call: Call,
    *,
    weeks: int,
    ks: tuple[int, ...],
    user: str | None,
    rules: bool,
    shown: Sequence[str] | None,
) -> Leaderboard:
    from segue.flows.evaluate import evaluate as run
    from segue.flows.evaluate import rule_blends
    from segue.flows.kept_board import keep_board
    from segue.flows.recommend import Wishes
    from segue.flows.wiring import Wiring

    settings = call.settings(user_id=user)
    wiring = Wiring(settings)
    board = run(
        snapshot=wiring.snapshots.current(),
        users=(settings.user_id,),
        weeks=weeks,
        ks=ks,
        wishes=Wishes(
            adventurous=settings.recommend.adventurous,
            per_artist=settings.recommend.per_artist,
            recent_hours=settings.recommend.recent_hours,
        ),
        training_sources=settings.training.sources,
        seed=settings.training.seed,
        threads=settings.training.threads,
        left_out=settings.training.left_out,
        models=settings.models,
        blends=rule_blends() if rules else None,
        shown=shown,
        elsewhere=_seen(settings, shown),
        progress=call.progress(),
    )
    if shown is None:  # a board of a few models does not take the place of that of all
        keep_board(settings.home, settings.user_id, board, datetime.now(UTC))
    return board


def _lengths(board: Leaderboard) -> list[int]:
    return sorted({row.k for row in board.rows})
