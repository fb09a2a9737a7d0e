"""`segue aws`: upkeep of a deployment on AWS."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

__all__ = ["add_to"]

Queue = Annotated[str, typer.Option("--queue", metavar="URL", help="The queue of letters.")]
StreamName = Annotated[str, typer.Option("--stream", help="Where they go again.")]
Place = Annotated[
    str, typer.Option("--to", metavar="ADDRESS", help="s3://bucket/prefix of a home on AWS.")
]
Region = Annotated[str, typer.Option("--region", help="Default: AWS_REGION, or the AWS files.")]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Look after Segue on AWS."
    )
    example = "Example:  segue aws redrive --queue https://sqs.…/refused --stream segue-events"
    group.command("redrive", epilog=example)(redrive)
    example = "Example:  segue aws publish --to s3://my-bucket/home"
    group.command("publish", epilog=example)(publish)

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
