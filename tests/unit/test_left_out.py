"""What says so when a library is not there: images that answer have not all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from segue.analytics.pixels import png_of
from segue.errors import ConfigError
from segue.warehouse.dbt_runner import DbtProject


def test_a_build_without_what_speaks_to_the_warehouse_is_refused(tmp_path: Path) -> None:
    output = {"type": "nothing", "schema": "marts", "path": "x.nothing", "threads": 1}
    project = DbtProject(output=lambda: output, folder=tmp_path / "dbt", variables={})
    for begin in (project.prepare, project.plan):
        with pytest.raises(ConfigError, match="needs dbt-nothing, which is not installed") as told:
            begin()
        assert "`worker`" in told.value.cure
    assert not (tmp_path / "dbt").exists()


def test_a_picture_without_what_draws_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>'
    assert png_of(svg, scale=1).startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "vl_convert", None)  # as Python tells of what is not there
    with pytest.raises(ConfigError, match="needs vl-convert-python"):
        png_of(svg, scale=1)
