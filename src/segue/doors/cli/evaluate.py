"""`segue evaluate`: which recommender would have been right about your last weeks."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, print_json, say

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("evaluate", epilog="Example:  segue evaluate --weeks 4 --k 10")(evaluate)


def evaluate(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks held out at the end.")] = 4,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the lists compared.")] = 30,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Compare playlists and single models on your own last weeks.

    Everything is learned anew from plays before those weeks; then each list is compared with
    what you really played. “playlist” is what `segue recommend` would have made, with your
    settings; most played and popular are baselines.
    """
    from segue.flows.evaluate import evaluate as run
    from segue.flows.recommend import Wishes
    from segue.flows.wiring import Wiring

    call = call_of(context)
    settings = call.settings(user_id=user)
    wiring = Wiring(settings)
    board = run(
        snapshot=wiring.snapshots.current(),
        users=(settings.user_id,),
        weeks=weeks,
        ks=(k,),
        wishes=Wishes(
            adventurous=settings.recommend.adventurous,
            per_artist=settings.recommend.per_artist,
            recent_hours=settings.recommend.recent_hours,
        ),
        training_sources=settings.training.sources,
        seed=settings.training.seed,
        threads=settings.training.threads,
        progress=call.progress(),
    )
    if as_json:
        print_json(board.as_dict())
    else:
        from segue.doors.cli.board import board_lines

        say(*board_lines(board, k))
