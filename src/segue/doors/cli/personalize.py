"""`segue personalize`: Amazon Personalize, set up, taught, asked and taken down."""

from __future__ import annotations

import math
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.doors.cli.context import AsJson, Call, call_of, now, print_json, say
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.personalize.account import Account, Found
    from segue.flows.personalize.learn import Mode

__all__ = ["add_to"]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: I know what it costs.")]
Whole = Annotated[bool, typer.Option("--whole", help="Send every play anew, not only new ones.")]
New = Annotated[bool, typer.Option("--new", help="Send new plays only, however old the rest is.")]


Until = Annotated[
    str | None,
    typer.Option(
        metavar="DATE", help="Nothing played from then on; for a fair comparison. Replaces all."
    ),
]
Anew = Annotated[
    bool, typer.Option("--whole", help="Take all events anew; replaces what was imported.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Amazon Personalize as one more recommender: it costs money; each step says what.",
    )
    group.command("plan", epilog="Example:  segue personalize plan --json")(plan)
    group.command("deploy", epilog="Example:  segue personalize deploy")(deploy)
    group.command("import", epilog="Example:  segue personalize import --whole")(bring)
    group.command("daily", epilog="Example:  segue personalize daily --json")(daily)
    group.command("train", epilog="Example:  segue personalize train --yes")(train)
    group.command("campaign", epilog="Example:  segue personalize campaign --yes")(campaign)
    group.command("status", epilog="Example:  segue personalize status --json")(status)
    group.command("destroy", epilog="Example:  segue personalize destroy --yes")(destroy)
    app.add_typer(group, name="personalize")


def plan(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what there is, what would be made, and what of it is billed; changes nothing."""
    from segue.flows.personalize.bills import campaign_words, import_words, training_words

    account = _account(call_of(context))
    found = account.compare()
    if as_json:
        print_json([_told(one) for one in found])
        return
    _table(found)
    say("")
    missing = [one for one in found if one.state != "there"]
    say(f"{len(missing)} of {len(found)} are still to be made." if missing else "All is there.")
    told = account.settings.personalize
    say(import_words(), training_words(len(told.solutions)))
    say(campaign_words(len(told.solutions), told.tps))


def deploy(context: typer.Context, as_json: AsJson = False) -> None:
    """Make the dataset group, schemas, data sets, event tracker and filters that are missing.

    Nothing that is made here is billed by the hour. Run again, it goes on where it stands.
    """
    from segue.flows.personalize.deploy import deploy as make

    call = call_of(context)
    account = _account(call)
    found = make(account, call.progress())
    if as_json:
        print_json([_told(one) for one in found])
    else:
        say(f"{len(found)} things are there.", f"Tracking id of events: {account.tracking_id()}")
        say("Next: segue personalize import")


def bring(
    context: typer.Context,
    whole: Whole = False,
    new: New = False,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Send plays, tracks and users to S3, and have Personalize import them, to the end.

    Only plays of the sources in training.sources are sent: what you may not learn from stays here.
    """
    from segue.flows.personalize.learn import import_all
    from segue.flows.wiring import Wiring

    if new and (whole or until):
        other = "--whole" if whole else "--until"
        raise ConfigError(f"{other} and --new exclude each other", cure="Give one of them.")
    before = None if until is None else _moment(until)
    call = call_of(context)
    account = _account(call)
    mode: Mode = "whole" if whole else "new" if new else "auto"
    snapshot = Wiring(account.settings).snapshots.current()
    done = import_all(
        account, snapshot, mode=mode, now=now(), until=before, progress=call.progress()
    )
    if as_json:
        print_json(
            [
                {"dataset": i.kind, "mode": i.mode, "rows": i.rows, "bytes": i.bytes, "job": i.job}
                for i in done
            ]
        )
        return
    for one in done:
        how = {"FULL": "all", "INCREMENTAL": "new", "": "nothing new"}[one.mode]
        say(f"{one.kind:<13} {how:<12} {one.rows:>12,} rows")
    say("Next: segue personalize train")


def daily(context: typer.Context, whole: Anew = False, as_json: AsJson = False) -> None:
    """Send what came as events on AWS since the last time: raw events, profiles, the catalogue.

    The same as the function that EventBridge calls every day; broken off, it goes on where it was.
    """
    from segue.flows.personalize.daily.build import go_on
    from segue.flows.personalize.daily.places import Work, open_places

    call = call_of(context)
    account = _account(call)
    places = open_places(account.settings, sleep=time.sleep)
    run, done = "", None
    while done is None:
        work = Work(account, places, now(), lambda: math.inf, call.progress())
        step = go_on(work, whole=whole, run_id=run)
        run, done, whole = step.run, step.account, step.whole
        time.sleep(step.wait_seconds)
    if as_json:
        print_json(done)
        return
    say(f"{done['read']:,} rows in {done['files']:,} files: {done['kept']:,} kept,")
    rejected = sum(done["rejected"].values())
    say(f"{done['duplicate']:,} had been counted before, {rejected:,} were rejected")
    say(*(f"  {rows:>12,} {reason}" for reason, rows in done["rejected"].items()))
    say(*(f"  no Parquet: {name}" for name in done["unreadable"]))
    say(f"{done['users']:,} users, {done['items']:,} items, {len(done['jobs'])} imports")
    if done["frozen"]:
        say(f"{done['frozen']:,} files have been moved to Glacier and cannot be read.")


def train(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Train on what was imported, and wait for it; it is billed."""
    from segue.flows.personalize.bills import training_words
    from segue.flows.personalize.learn import train as learn

    call = call_of(context)
    account = _account(call)
    _agree(training_words(len(account.settings.personalize.solutions)), yes)
    done = learn(account, call.progress())
    measured = {one.arn: dict(account.things.metrics(one.arn)) for one in done}
    if as_json:
        print_json(measured)
        return
    for arn, metrics in measured.items():
        say(arn, *(f"  {name:<45} {value:.4f}" for name, value in sorted(metrics.items())))
    say("Next: segue personalize campaign")


def campaign(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let campaigns answer from the newest training; they are billed by the hour from then on."""
    from segue.flows.personalize.asking import to_ask
    from segue.flows.personalize.bills import campaign_words
    from segue.flows.personalize.learn import run_campaigns

    call = call_of(context)
    account = _account(call)
    told = account.settings.personalize
    _agree(campaign_words(len(told.solutions), told.tps), yes)
    done = run_campaigns(account, call.progress())
    if as_json:
        print_json([{"name": one.name, "arn": one.arn, "status": one.status} for one in done])
        return
    say(*(f"{one.name}: {one.arn}" for one in done), "")
    say("To have it asked, write into segue.toml, then run `segue train`:", "")
    say("[models.personalize]", *(f'{name} = "{arn}"' for name, arn in to_ask(account).items()))


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what there is, and what of it is being billed by the hour."""
    from segue.flows.personalize.bills import campaign_words

    account = _account(call_of(context))
    found = account.compare()
    if as_json:
        print_json([_told(one) for one in found])
        return
    _table(found)
    running = [one for one in found if one.wanted.bill == "hour" and one.thing is not None]
    say("")
    if running:
        say(campaign_words(len(running), account.settings.personalize.tps))
    else:
        say("Nothing is billed by the hour.")


def destroy(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Remove everything of this name from Personalize, campaigns first; files on S3 stay."""
    from segue.flows.personalize.deploy import destroy as remove

    call = call_of(context)
    account = _account(call)
    _agree(f"All of “{account.name}” in Personalize will be removed; it has to learn anew.", yes)
    removed = remove(account, call.progress())
    if as_json:
        print_json(list(removed))
    else:
        say(f"Removed {len(removed)} things." if removed else "There was nothing to remove.")


def _moment(text: str) -> datetime:
    """A day or a moment, in UTC where it does not say."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--until {text} is no day and no moment",
            field="until",
            cure="Write 2026-10-24, or 2026-10-24T18:00:00+00:00.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _account(call: Call) -> Account:
    from segue.flows.personalize.account import open_account

    return open_account(call.settings())


def _agree(words: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"not done: {words[0].lower()}{words[1:].rstrip('.')}", cure="Add --yes.")
    say(words)
    typer.confirm("Go on?", abort=True)


def _told(one: Found) -> dict[str, Any]:
    return {
        "what": one.wanted.noun.said,
        "name": one.wanted.name,
        "state": one.state,
        "billed": one.wanted.bill,
        "arn": one.thing.arn if one.thing else None,
        "failure": (one.thing.failed or None) if one.thing else None,
    }


def _table(found: tuple[Found, ...]) -> None:
    billed = {"": "", "training": "each training", "hour": "by the hour"}
    for one in found:
        failure = f"  {one.thing.failed}" if one.thing and one.thing.failed else ""
        line = f"{one.wanted.noun.said:<14} {one.wanted.name:<32} {one.state:<8}"
        say(f"{line} {billed[one.wanted.bill]}{failure}".rstrip())
