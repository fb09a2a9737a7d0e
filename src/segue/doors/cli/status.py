"""`segue status`: what is here, how fresh it is, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say
from segue.doors.cli.countdown import sign_in_words

if TYPE_CHECKING:
    from segue.flows.status import Status

__all__ = ["add_to"]

_SHOWN: Final = 10
"""So many users are told of one by one; `--json` tells of all."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("status", epilog="Example:  segue status --json")(status)


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what is here and what to type next."""
    from segue.flows.spotify.names import SERVICE
    from segue.flows.status import status as run
    from segue.flows.wiring import Wiring
    from segue.services.sign_ins import SignIns

    wiring = Wiring(call_of(context).settings())
    found = run(
        home=wiring.settings.home,
        lake=wiring.lake,
        warehouse=wiring.warehouse,
        snapshots=wiring.snapshots,
        data_sets=wiring.data_sets,
        training_data=wiring.settings.training.data,
        bundles=wiring.bundles,
        sign_ins=SignIns(wiring.services, SERVICE).all(),
        now=now(),
    )
    if as_json:
        print_json(found.as_dict())
    else:
        say(*_lines(found))


def _lines(found: Status) -> list[str]:
    lines = [f"Home      {found.home}  ({_size(found.bytes)})"]
    lines.append(f"Imported  {_imports(found.imports)}")
    lines.append(f"Warehouse {found.warehouse}")
    snapshot: dict[str, Any] | None = found.snapshot
    if snapshot is None:
        lines.append(f"Built     {found.damaged.get('snapshot', 'nothing yet')}")
    else:
        rows = snapshot["rows"]
        lines.append(
            f"Built     snapshot {snapshot['name']}: {rows['plays']:,} plays, "
            f"{rows['tracks']:,} tracks, {rows['artists']:,} artists"
            + ("" if snapshot["fresh"] else "; older than the last import")
        )
        users = snapshot["users"]
        lines += [f"          {_user(user)}" for user in users[:_SHOWN]]
        if len(users) > _SHOWN:
            lines.append(f"          … and {len(users) - _SHOWN:,} more users")
    if found.data_set is not None or "data_set" in found.damaged:
        lines.append(f"Spark     {_data_set(found)}")
    if found.failure is not None:
        lines.append(
            f"Failed    build of {found.failure['at']:%d %b %Y %H:%M}: {found.failure['message']}"
        )
        lines += [f"          {found.failure['cure']}"] if found.failure["cure"] else []
    if found.bundle is None:
        lines.append(f"Trained   {found.damaged.get('bundle', 'nothing yet')}")
    else:
        models = ", ".join(found.bundle["recommenders"])
        lines.append(
            f"Trained   bundle {found.bundle['name']}: {models}"
            + ("" if found.bundle["fresh"] else "; older than the last build")
        )
    lines += [f"Spotify   {sign_in_words(one)}" for one in found.sign_ins]
    return [*lines, "", f"Next: {found.next_step}"]


def _data_set(found: Status) -> str:
    if found.data_set is None:
        return found.damaged["data_set"]
    rows = found.data_set["rows"]
    return (
        f"data set {found.data_set['name']} for training: {rows['plays']:,} plays, "
        f"{rows['tracks']:,} tracks"
    )


def _user(user: dict[str, Any]) -> str:
    if user["first_played_at"] is None:
        return f"{user['user_id']}: no plays"
    return (
        f"{user['user_id']}: {user['plays']:,} plays of {user['tracks']:,} tracks, "
        f"{user['first_played_at']:%d %b %Y} to {user['last_played_at']:%d %b %Y}"
    )


def _imports(imports: list[dict[str, Any]]) -> str:
    if not imports:
        return "nothing yet"
    kept = sum(entry["account"]["kept"] for entry in imports)
    return f"{len(imports)} import{'s' if len(imports) > 1 else ''}, {kept:,} rows kept"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
