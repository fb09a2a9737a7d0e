"""Segue on AWS: `python app.py` writes the templates; `cdk deploy` puts them up.

Each part can be turned on alone: -c parts=pipeline,personalize,watching
"""

from __future__ import annotations

import json
import os
import sys
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path

from segue_aws.choices import Choices

_SETTINGS = Path(__file__).with_name("cdk.json")


def main() -> None:
    """Put the chosen parts together.

    Raises:
        ValueError: A choice cannot be used.
    """
    context = _told()
    choices = Choices.of(context, source=Path(__file__).parents[2] / "src")
    import aws_cdk as cdk  # starts Node.js: not before the choices are known to be good
    from segue_aws.collector import CollectorStack
    from segue_aws.datasets import DatasetsStack
    from segue_aws.delivery import DeliveryStack
    from segue_aws.keep import KeepStack
    from segue_aws.personal import PersonalStack
    from segue_aws.personalize import PersonalizeStack
    from segue_aws.pipeline import PipelineStack
    from segue_aws.updater import SyncStack, UpdaterStack
    from segue_aws.watching import WatchingStack

    out = os.environ.get("SEGUE_SYNTH_OUT")
    if out is not None:
        _clear(Path(out), choices.name)
    app = cdk.App(outdir=out, context=context)
    keep = KeepStack(app, f"{choices.name}-keep", choices)
    if choices.has("delivery"):
        DeliveryStack(app, f"{choices.name}-delivery", choices)
    if choices.has("personalize"):
        personalize = PersonalizeStack(app, f"{choices.name}-personalize", choices, keep)
    pipeline = watching = None
    if choices.has("pipeline"):
        pipeline = PipelineStack(app, f"{choices.name}-pipeline", choices, keep)
    if choices.has("watching"):
        watching = WatchingStack(app, f"{choices.name}-watching", choices, pipeline)
    if choices.has("datasets") and pipeline is not None:
        datasets = DatasetsStack(
            app, f"{choices.name}-datasets", choices, keep, personalize, pipeline
        )
        if watching is not None:
            watching.watch_machine("Datasets", datasets.machine)
            watching.watch_scheduled("DataSets", datasets.function, may_last=True)
    personal = {"updater": UpdaterStack, "collector": CollectorStack, "sync": SyncStack}
    chosen = {part: stack for part, stack in personal.items() if choices.has(part)}
    if chosen:
        shared = PersonalStack(app, f"{choices.name}-personal", choices)
        for part, stack in chosen.items():
            made = stack(app, f"{choices.name}-{part}", choices, keep, shared)
            if watching is not None:
                watching.watch_scheduled(part.title(), made.function)
    cdk.Tags.of(app).add("application", choices.name)
    app.synth()


def _clear(out: Path, name: str) -> None:
    """Take away templates that were written here before: of parts that are not chosen any more."""
    if (out / "manifest.json").exists():
        for path in out.glob(f"{name}-*.template.json"):
            path.unlink()


def _told() -> dict[str, object]:
    """What cdk.json, `cdk`, and -c name=value say, the last before the first."""
    context: dict[str, object] = json.loads(_SETTINGS.read_text(encoding="utf-8"))["context"]
    context |= json.loads(os.environ.get("CDK_CONTEXT_JSON") or "{}")
    words = sys.argv[1:]
    for flag, value in zip_longest(words[::2], words[1::2], fillvalue=""):
        if flag != "-c" or "=" not in value:
            raise ValueError(
                f"“{f'{flag} {value}'.strip()}” is not understood; write -c name=value"
            )
        name, _, told = value.partition("=")
        if name not in Choices.names():
            near = get_close_matches(name, Choices.names(), 1)
            did = f"; did you mean {near[0]}?" if near else "; docs/aws.md lists what there is"
            raise ValueError(f"there is no choice “{name}”{did}")
        context[name] = told
    return context


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"Error: {error}")
