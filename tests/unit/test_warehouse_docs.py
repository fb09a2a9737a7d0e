"""The marts reference and dbt's descriptions tell of every column there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segue.music.marts import MARTS
from segue.warehouse.dbt_runner import PROJECT

DOCS = Path(__file__).parents[2] / "docs" / "warehouse.md"


@pytest.mark.parametrize("mart", MARTS)
def test_every_column_is_described(mart: str) -> None:
    chapter = DOCS.read_text(encoding="utf-8").split(f"### {mart}\n", 1)[1].split("\n#", 1)[0]
    told = [line.split("`")[1] for line in chapter.splitlines() if line.startswith("| `")]
    described = yaml.safe_load((PROJECT / "models/marts/marts.yml").read_text(encoding="utf-8"))
    columns = {model["name"]: model["columns"] for model in described["models"]}[mart]
    published = [
        column["name"]
        for column in columns
        if not column["description"].endswith("in the warehouse only.")
    ]
    assert told == MARTS[mart].names == published


def test_every_mart_for_analysis_is_described() -> None:
    """The same columns and words in the docs as in dbt, for marts that no snapshot has."""
    described = yaml.safe_load((PROJECT / "models/marts/listening.yml").read_text(encoding="utf-8"))
    text = DOCS.read_text(encoding="utf-8")
    for model in described["models"]:
        chapter = text.split(f"### {model['name']}\n", 1)[1].split("\n#", 1)[0]
        lines = [line.split(" | ") for line in chapter.splitlines() if line.startswith("| `")]
        told = [(name.split("`")[1], words.rstrip(" |")) for name, _, words in lines]
        assert told == [
            (column["name"], column["description"].rstrip(".")) for column in model["columns"]
        ]
        assert model["description"].strip() in chapter


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
