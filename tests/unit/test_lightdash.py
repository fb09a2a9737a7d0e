"""What the models tell Lightdash keeps to the rules of its dbt schema (`lightdash-dbt-2.0`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from segue.warehouse.dbt_runner import PROJECT

MODELS: dict[str, dict[str, Any]] = {
    model["name"]: model
    for path in sorted((PROJECT / "models" / "marts").glob("*.yml"))
    for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
}
EXPLORES = {name: model for name, model in MODELS.items() if "config" in model}

AGGREGATES = {
    *("average", "average_distinct", "count", "count_distinct", "max", "median", "min"),
    *("percentile", "sum", "sum_distinct"),
}
OF_METRICS = {
    *("boolean", "date", "number", "percent_of_previous", "percent_of_total", "running_total"),
    "string",
}
METRIC_FIELDS = {
    *("type", "label", "description", "sql", "hidden", "round", "format", "groups", "compact"),
    *("tags", "urls", "show_underlying_values", "filters", "percentile", "spotlight"),
}
MODEL_FIELDS = {
    *("label", "joins", "metrics", "group_label", "default_time_dimension", "order_fields_by"),
    *("primary_key", "group_details", "spotlight", "sql_filter", "touched"),  # the last is ours
}
INTERVALS = {"DAY", "WEEK", "MONTH", "YEAR"}
REFERENCE = re.compile(r"\$\{([^}]*)\}")


def columns_of(model: str) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in MODELS[model]["columns"]}


def metrics_of(model: str) -> dict[str, Mapping[str, Any]]:
    """Every metric of a model: its own, and those of its columns."""
    found = dict(MODELS[model].get("config", {}).get("meta", {}).get("metrics", {}))
    for column in columns_of(model).values():
        for name, metric in column.get("config", {}).get("meta", {}).get("metrics", {}).items():
            assert name not in found, f"{model}.{name} is told twice"
            found[name] = metric
    return found


def test_what_can_be_explored() -> None:
    assert {"plays", "sessions", "listening_days", "listening_weeks", "streaks"} < set(EXPLORES)
    told = {metric for model in EXPLORES for metric in metrics_of(model)}
    wanted = "plays hours unique_tracks unique_artists skip_rate finish_rate discovery active_days"
    assert set(wanted.split()) <= told


@pytest.mark.parametrize("name", EXPLORES)
def test_a_model_keeps_to_the_schema(name: str) -> None:
    meta = EXPLORES[name]["config"]["meta"]
    assert set(meta) <= MODEL_FIELDS
    assert isinstance(meta["label"], str)
    if (time := meta.get("default_time_dimension")) is not None:
        assert set(time) == {"field", "interval"}
        assert time["field"] in columns_of(name)
        assert time["interval"] in INTERVALS
    for join in meta.get("joins", ()):
        assert set(join) == {"join", "sql_on", "relationship"}
        assert join["relationship"] in {"many-to-one", "one-to-one", "one-to-many", "many-to-many"}
        for reference in REFERENCE.findall(join["sql_on"]):
            model, column = reference.split(".")
            assert model in {name, join["join"]}
            assert column in columns_of(model)


@pytest.mark.parametrize("name", EXPLORES)
def test_metrics_keep_to_the_schema(name: str) -> None:
    metrics = metrics_of(name)
    for metric, told in metrics.items():
        assert re.fullmatch(r"[a-z0-9_]+", metric)
        assert metric not in columns_of(name), f"{metric} is a column, too"
        assert set(told) <= METRIC_FIELDS
        assert told["type"] in AGGREGATES | OF_METRICS
        assert told["label"]
        assert told["description"].endswith(".")
        assert told.get("format", "percent") == "percent"
        assert told.get("round", 0) >= 0
        references = REFERENCE.findall(told.get("sql", ""))
        if told["type"] in OF_METRICS:  # of other metrics only: it is not aggregated itself
            assert references
            assert all(metrics[reference]["type"] in AGGREGATES for reference in references)
        else:
            assert set(references) <= {"TABLE"}
            used = re.findall(r"\$\{TABLE\}\.(\w+)", told.get("sql", ""))
            assert set(used) <= set(columns_of(name))


def test_a_metric_is_told_by_a_column_or_by_its_own_sql() -> None:
    for model in EXPLORES:
        for metric, told in MODELS[model]["config"]["meta"].get("metrics", {}).items():
            assert "sql" in told, f"{model}.{metric}"
