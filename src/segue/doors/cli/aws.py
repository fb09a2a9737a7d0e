"""`segue aws`: upkeep of a deployment on AWS."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, Call, call_of, now, print_json, say
from segue.doors.cli.forget import require_agreement
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.aws.forget_user import Kept, LossOnAws

__all__ = ["add_to"]

Queue = Annotated[str, typer.Option("--queue", metavar="URL", help="The queue of letters.")]
StreamName = Annotated[str, typer.Option("--stream", help="Where they go again.")]
Place = Annotated[
    str, typer.Option("--to", metavar="ADDRESS", help="s3://bucket/prefix of a home on AWS.")
]
Region = Annotated[str, typer.Option("--region", help="Default: AWS_REGION, or the AWS files.")]

User = Annotated[str, typer.Option("--user", help="Whose data.")]
Table = Annotated[str, typer.Option("--table", help="Of profiles. Default: personalize.profiles.")]
Events = Annotated[
    str, typer.Option("--events", metavar="ADDRESS", help="Default: personalize.events.")
]
States = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="ADDRESS", help="A home on AWS; may be given several times."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what there is, and leave it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Look after Segue on AWS."
    )
    example = "Example:  segue aws redrive --queue https://sqs.…/refused --stream segue-events"
    group.command("redrive", epilog=example)(redrive)
    example = "Example:  segue aws publish --to s3://my-bucket/home"
    group.command("publish", epilog=example)(publish)

    example = "Example:  segue aws forget --user ann --state s3://my-bucket/home --dry-run"
    group.command("forget", epilog=example)(forget)

    @group.callback()
    def _group() -> None:
        """Look after Segue on AWS."""

    app.add_typer(group, name="aws")


def redrive(queue: Queue, stream: StreamName, region: Region = "", as_json: AsJson = False) -> None:
    """Put events that could not be taken back into the stream, once the cause is mended.

    A letter leaves the queue only after its events are in the stream. Events that were counted
    before are known by their ids and change nothing.
    """
    from dataclasses import asdict

    from segue.aws.clients import Aws
    from segue.aws.queue import Letters
    from segue.aws.stream import Stream
    from segue.flows.aws.redrive import redrive as send_again

    aws = Aws(region)
    done = send_again(Letters(aws, queue), Stream(aws, stream, sleep=time.sleep))
    if as_json:
        print_json(asdict(done))
        return
    say(f"{done.letters:,} letters read, {done.records:,} records sent again.")
    if done.left:
        say(f"{done.left:,} letters stay: they hold no event of a user.")
    if done.gone:
        say(f"{done.gone:,} records are gone: the stream keeps them for a time only.")


def publish(
    context: typer.Context, to: Place, region: Region = "", as_json: AsJson = False
) -> None:
    """Bring the published models and marts to S3, where the function that answers looks for them.

    It takes them up within a minute; until then, and whatever goes wrong, it answers with the old.
    """
    from dataclasses import asdict

    from segue.aws.clients import Aws
    from segue.aws.kept_files import KeptFiles
    from segue.flows.aws.publish_home import publish_home
    from segue.flows.wiring import Wiring
    from segue.warehouse.s3_client import S3Place

    place = S3Place.parse(to)
    files = KeptFiles(Aws(region), place.bucket, place.prefix)
    done = publish_home(Wiring(call_of(context).settings()).home, files, now())
    if as_json:
        print_json(asdict(done))
        return
    new = f"{done.sent:,} of them new ({done.sent_bytes:,} bytes)"
    say(f"{done.files:,} files are published, {new}.")


def forget(
    context: typer.Context,
    user: User,
    table: Table = "",
    events: Events = "",
    state: States = None,
    region: Region = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a user from what Segue keeps on AWS: profile, events, data sets, Personalize, homes.

    Have nobody tell of the user any more before, and run it again after a quarter of an hour: what
    was on its way through the stream has arrived then. Broken off, it goes on when run again.
    """
    from segue.flows.aws.forget_user import forget_on_aws

    if not user:
        raise ConfigError("nobody is named", field="user", cure="Give --user.")
    call = call_of(context)
    kept = _kept(call, table, events, tuple(state or ()), region)
    if dry_run or not yes:
        loss = forget_on_aws(kept, user, dry_run=True, now=now(), progress=call.progress())
        if not as_json:
            say(*_lines(loss, "would go" if dry_run else "will go"))
    if not dry_run:
        if not yes:
            require_agreement(as_json=as_json)
        loss = forget_on_aws(kept, user, dry_run=False, now=now(), progress=call.progress())
        if not as_json:
            say(*_lines(loss, "went"))
    if as_json:
        print_json({**loss.as_dict(), "done": not dry_run})
    if loss.left or loss.personalize == "waits for an import":
        raise typer.Exit(1)


def _kept(call: Call, table: str, events: str, homes: tuple[str, ...], region: str) -> Kept:
    from datetime import timedelta

    from segue.aws.clients import Aws
    from segue.aws.profile_table import ProfileTable
    from segue.flows.aws.forget_user import Kept
    from segue.flows.personalize.account import open_account
    from segue.flows.wiring import Wiring
    from segue.settings import load_settings
    from segue.warehouse.s3_client import S3Options, S3Place
    from segue.warehouse.s3_files import S3Files

    settings = call.settings()
    told, aws = settings.personalize, Aws(region)
    options = S3Options(**settings.s3.model_dump())
    table, events = table or told.profiles, events or told.events
    if not (table or events or homes or told.bucket):
        raise ConfigError(
            "no place on AWS is named",
            field="personalize.events",
            cure="Give --table, --events or --state, or set them in the section [personalize].",
        )

    def place(address: str) -> S3Files | None:
        return S3Files(S3Place.parse(address), options) if address else None

    def open_home(home: Path) -> Wiring:
        lake = {"lake": settings.lake} if settings.lake.startswith("s3://") else {}
        return Wiring(load_settings(home=home, **lake))

    return Kept(
        table=ProfileTable(aws, table, keep=timedelta(days=30), sleep=time.sleep)
        if table
        else None,
        events=place(events),
        ledger=place(told.ledger),
        sets=place(told.bucket),
        account=open_account(settings) if told.bucket and told.role_arn else None,
        homes=homes,
        open_home=open_home,
        aws=Aws(region, settings.s3.endpoint_url),
    )


def _lines(loss: LossOnAws, verb: str) -> list[str]:
    if loss.nothing and not loss.personalize and not loss.left:
        return [f"Of {loss.user_id} there is nothing in these places."]
    lines = [f"Of {loss.user_id} {verb}:"]
    if loss.items:
        lines.append(f"  {loss.items:>11,}  items of the table")
    for name in ("events", "ledger", "sets"):
        found = getattr(loss, name)
        counts = {one.name: getattr(found, one.name) for one in fields(found)}
        if counts["files"]:
            lines.append(f"  {counts['rows']:>11,}  rows of {counts['files']:,} files: {name}")
        if counts["old"]:
            lines.append(f"  {counts['old']:>11,}  older versions of files: {name}")
        lines += [
            f"  {counts[word]:>11,}  files stay, {why}: {name}"
            for word, why in _WHY.items()
            if counts[word]
        ]
    for address, rows in loss.homes.items():
        lines.append(f"  {rows or 0:>11,}  rows of the lake; marts and models of {address}")
    if loss.personalize:
        lines.append(f"  Personalize: {loss.personalize}")
    return lines


_WHY = {
    "frozen": "for they are in Glacier and may hold the user; restore them and run this again",
    "unreadable": "for they cannot be read; look at them by hand",
}
