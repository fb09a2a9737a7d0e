"""`segue tune`: choose a model's settings by trial, on validation data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    refuse_path_alone,
)
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.examinations import OfDataSet, OfHistory
    from segue.flows.tune import TuneReport
    from segue.settings import Settings

__all__ = ["add_to"]

_PARTS = ("all", "repeats", "discoveries")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("tune", epilog="Example:  segue tune --model als --minutes 10 --apply")(tune)


def tune(
    context: typer.Context,
    model: Annotated[str, typer.Option(metavar="NAME", help="Whose settings.")],
    trials: Annotated[int, typer.Option(min=1, help="How many settings to try.")] = 30,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Begin no more trials after so long.")
    ] = None,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="recall, precision, ndcg, mrr, hit_rate or map.")
    ] = "ndcg",
    k: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Length of the lists; default 10, own 30.")
    ] = None,
    part: Annotated[
        str, typer.Option(metavar="PART", help="Own plays: all, repeats or discoveries.")
    ] = "discoveries",
    weeks: Annotated[int, typer.Option(min=1, help="Own plays: weeks tried on.")] = 4,
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
    repeats: Annotated[
        bool, typer.Option("--repeats", help="What a listener knows may be right, too.")
    ] = False,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Splits on which the best are compared.")
    ] = 1,
    limit_users: LimitUsers = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what is best into segue.toml.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Choose a model's settings by trial, on your own earlier weeks or on a data set.

    Settings are drawn at random and the best of them tried more thoroughly. Nothing is tried on
    what `segue evaluate` reports. Interrupted, the same command goes on where it was.
    """
    call = call_of(context)
    settings = call.settings(user_id=user)
    _check(metric, part)
    if dataset is None:
        refuse_path_alone(path)
        on: OfDataSet | OfHistory = _history(
            settings, model, weeks=weeks, part=part, k=k or 30, metric=metric
        )
    else:
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
        on = _data_set(
            call,
            settings,
            options,
            model,
            k=k,
            metric=metric,
            repeats=repeats,
            seeds=seeds,
            limit=limit_users,
        )
    _run(call, settings, on, model, trials=trials, minutes=minutes, apply=apply, as_json=as_json)


def _run(
    call: Call,
    settings: Settings,
    on: OfDataSet | OfHistory,
    model: str,
    *,
    trials: int,
    minutes: float | None,
    apply: bool,
    as_json: bool,
) -> None:
    from segue.flows.settings_file import write_model_section
    from segue.flows.tune import tune as run
    from segue.settings import settings_file

    report = run(
        model,
        on,
        present=settings.models.get(model, {}),
        trials=trials,
        minutes=minutes,
        seed=settings.training.seed,
        logs=settings.home / "tuning",
        progress=call.progress(),
    )
    file = settings_file(call.home)
    written = apply and report.is_better
    if written:
        write_model_section(file, model, report.best)
    if as_json:
        print_json({**report.as_dict(), "applied": str(file) if written else None})
    else:
        say(*_lines(report))
        if written:
            say("", f"Written to {file}.", "Next: segue train")


def _check(metric: str, part: str) -> None:
    from segue.evaluation.list_metrics import ACCURACY

    if metric not in ACCURACY:
        raise ConfigError(
            f"--metric {metric}: there is no such metric",
            field="metric",
            cure=f"Choose one of: {', '.join(ACCURACY)}.",
        )
    if part not in _PARTS:
        raise ConfigError(
            f"--part {part}: there is no such part",
            field="part",
            cure=f"Choose one of: {', '.join(_PARTS)}.",
        )


def _history(
    settings: Settings, model: str, *, weeks: int, part: str, k: int, metric: str
) -> OfHistory:
    from segue.flows.examinations import OfHistory
    from segue.flows.tune import tunable
    from segue.flows.wiring import Wiring

    tunable(model)
    return OfHistory(
        Wiring(settings).snapshots.current(),
        (settings.user_id,),
        model,
        training_sources=settings.training.sources,
        weeks=weeks,
        part=part,
        k=k,
        name=metric,
        seed=settings.training.seed,
        threads=settings.training.threads,
        others=settings.models,
    )


def _data_set(
    call: Call,
    settings: Settings,
    options: DataOptions,
    model: str,
    *,
    k: int | None,
    metric: str,
    repeats: bool,
    seeds: int,
    limit: int | None,
) -> OfDataSet:
    from segue.flows.evaluate_data_set import Asking
    from segue.flows.examinations import OfDataSet
    from segue.flows.tune import tunable
    from segue.flows.wiring import Wiring

    tunable(model)
    rule = options.rule()
    length = k or (20 if rule.name == "sessions" else 10)
    asking = Asking(rule, "valid", (length,), repeats=repeats, limit=limit)
    return OfDataSet(
        options.read(Wiring(settings).limits, call.progress()),
        asking,
        model,
        name=metric,
        seeds=seeds,
        seed=settings.training.seed,
        threads=settings.training.threads,
        others=settings.models,
    )


def _lines(report: TuneReport) -> list[str]:
    from segue.flows.settings_file import model_section

    last = report.trials[-1].rung
    thorough = sorted(
        (trial for trial in report.trials if trial.rung == last), key=lambda one: -one.value
    )
    n = len({str(sorted(trial.settings.items())) for trial in report.trials})
    lines = [
        f"{report.model}: {n} settings tried, {report.metric}"
        + (f" ({report.again} trials known from before)" if report.again else ""),
        "",
    ]
    for trial in thorough[:5]:
        values = ", ".join(f"{name} {value}" for name, value in trial.settings.items())
        now = " (as it is now)" if dict(trial.settings) == dict(report.before) else ""
        lines.append(f"  {trial.value:.4f}  {values}{now}")
    if not report.is_better:
        return [*lines, "", "Nothing was better than the present settings."]
    gain = f"{report.best_value:.4f} in place of {report.before_value:.4f}"
    return [*lines, "", f"Best, {gain}:", "", *model_section(report.model, report.best).split("\n")]
