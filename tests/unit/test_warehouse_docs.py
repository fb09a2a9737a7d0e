"""The marts reference and dbt's descriptions tell of every column there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segue.flows.sql import type_words
from segue.music.marts import MARTS
from segue.warehouse.dbt_runner import PROJECT

DOCS = Path(__file__).parents[2] / "docs" / "warehouse.md"


LISTENING = {
    model["name"]: model
    for model in yaml.safe_load(
        (PROJECT / "models/marts/listening.yml").read_text(encoding="utf-8")
    )["models"]
}


def chapter(name: str) -> str:
    return DOCS.read_text(encoding="utf-8").split(f"### {name}\n", 1)[1].split("\n#", 1)[0]


@pytest.mark.parametrize("mart", MARTS)
def test_every_column_is_described(mart: str) -> None:
    told = [line.split("`")[1] for line in chapter(mart).splitlines() if line.startswith("| `")]
    described = yaml.safe_load((PROJECT / "models/marts/marts.yml").read_text(encoding="utf-8"))
    models = {model["name"]: model for model in described["models"]} | LISTENING
    published = [
        column["name"]
        for column in models[mart]["columns"]
        if not column["description"].endswith("in the warehouse only.")
    ]
    assert told == MARTS[mart].names == published


@pytest.mark.parametrize("mart", LISTENING)
def test_the_docs_use_the_words_and_types_of_the_marts(mart: str) -> None:
    lines = [line.split(" | ") for line in chapter(mart).splitlines() if line.startswith("| `")]
    told = [(name.split("`")[1], words.rstrip(" |")) for name, _, words in lines]
    model = LISTENING[mart]
    assert told == [
        (column["name"], column["description"].rstrip(".")) for column in model["columns"]
    ]
    assert model["description"].strip() in chapter(mart)
    assert [kind for _, kind, _ in lines] == list(type_words(MARTS[mart]))


def test_every_model_has_a_grain() -> None:
    for folder in ("staging", "intermediate", "marts"):
        models = {path.stem for path in (PROJECT / "models" / folder).glob("*.sql")}
        texts = [
            path.read_text(encoding="utf-8") for path in (PROJECT / "models" / folder).glob("*.yml")
        ]
        described = {
            model["name"]: model["description"]
            for text in texts
            for model in yaml.safe_load(text).get("models", ())
        }
        assert set(described) == models
        assert all(text.startswith("One row per ") for text in described.values())
