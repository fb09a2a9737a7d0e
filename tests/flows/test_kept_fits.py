"""A training that is stopped half way: the next one goes on, and comes to the same models."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.features.from_marts import training_data
from segue.features.training_data import TrainingData
from segue.flows.kept_fits import KeptFits, kept_fits
from segue.flows.train import fit_all
from segue.progress import Silent
from segue.recommenders.base import StoredRecommender
from segue.recommenders.content import Content
from segue.recommenders.most_played import MostPlayed
from segue.recommenders.popular import Popular
from tests.tiny import NOW, days_ago, plays, tracks

SETTINGS: dict[str, Any] = {"seed": 1}


class Interrupted(MostPlayed):
    """Is interrupted."""

    def fit(self, data: TrainingData) -> Interrupted:
        """Never end."""
        raise KeyboardInterrupt


def _data() -> TrainingData:
    heard = plays([("a", "t1", days_ago(1)), ("b", "t0", days_ago(2)), ("b", "t1", days_ago(3))])
    return training_data(tracks({"track_id": t} for t in ("t0", "t1", "t2")), heard, as_of=NOW)


def _fitted(models: list[StoredRecommender], kept: KeptFits | None) -> list[StoredRecommender]:
    whole = kept and KeptFits(kept.folder, kept.as_of, worth_s=0)
    fit_all(models, _data(), Silent(), kept=whole)
    return models


def test_what_was_fitted_is_not_fitted_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept_fits(tmp_path, SETTINGS, now=NOW) as kept:
        _fitted([Popular(), Interrupted()], kept)
    later = NOW + timedelta(hours=1)
    with kept_fits(tmp_path, SETTINGS, now=later) as kept:
        assert kept is not None
        assert kept.as_of == NOW  # plays since then are for the next training
        found = kept.find("popular", _data().catalogue)
        assert isinstance(found, Popular)
        models = _fitted([Popular(), Content()], kept)
    assert models[0] is not found
    assert not (tmp_path / ".training").exists()


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept_fits(tmp_path, SETTINGS, now=NOW) as kept:
        _fitted([Popular(), Interrupted()], kept)
    later = NOW + timedelta(hours=1)
    with kept_fits(tmp_path, {"seed": 2}, now=later) as kept:
        assert kept is not None
        assert kept.as_of == later
        assert kept.find("popular", _data().catalogue) is None


def test_a_model_half_written_is_fitted_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept_fits(tmp_path, SETTINGS, now=NOW) as kept:
        _fitted([Popular(), Interrupted()], kept)
    (tmp_path / ".training" / "popular" / "settings.json").write_text("{", encoding="utf-8")
    with kept_fits(tmp_path, SETTINGS, now=NOW) as kept:
        assert kept is not None
        assert kept.find("popular", _data().catalogue) is None


def test_two_trainings_do_not_share_what_they_keep(tmp_path: Path) -> None:
    with kept_fits(tmp_path, SETTINGS, now=NOW) as first:
        assert first is not None
        with kept_fits(tmp_path, SETTINGS, now=NOW) as second:
            assert second is None


def test_what_is_quick_is_not_kept(tmp_path: Path) -> None:
    with kept_fits(tmp_path, SETTINGS, now=NOW) as kept:
        assert kept is not None
        fit_all([Popular()], _data(), Silent(), kept=kept)
        assert not (tmp_path / ".training" / "popular").exists()
