"""What dbt's project says of the marts and their columns, for people who ask them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segue.warehouse.dbt_runner import PROJECT

__all__ = ["MartWords", "mart_words"]


@dataclass(frozen=True, slots=True)
class MartWords:
    """What is said of one mart.

    Args:
        grain: What a row is, in a sentence.
        columns: Column -> what it holds, in a sentence.
    """

    grain: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def mart_words() -> dict[str, MartWords]:
    """Mart -> its descriptions, as they stand beside the models."""
    import yaml

    words: dict[str, MartWords] = {}
    for path in sorted((PROJECT / "models" / "marts").rglob("*.yml")):
        read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for model in read.get("models", ()):
            columns = {
                column["name"]: " ".join(str(column.get("description", "")).split())
                for column in model.get("columns", ())
            }
            grain = " ".join(str(model.get("description", "")).split())
            words[model["name"]] = MartWords(grain, columns)
    return words
