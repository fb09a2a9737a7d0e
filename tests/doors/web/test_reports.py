"""Reports: a week and its neighbours, files, and experiments."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import expect

from segue.flows.home_parts import EXPERIMENTS
from segue.warehouse.experiments import Experiment, ExperimentStore, Place, Record
from tests.doors.running import Running
from tests.doors.web.conftest import PHONE, Open


def test_a_week_and_the_one_before(open_page: Open) -> None:
    page = open_page("/reports", size=PHONE)
    heading = page.locator("#week h2").first
    expect(heading).to_contain_text("Your week")
    expect(page.get_by_role("img", name="Plays by day")).to_be_attached()
    expect(page.locator("#duels")).to_contain_text("Put two of them into the same playlists")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    told = heading.text_content() or ""
    page.get_by_role("link", name="The week before").click()
    expect(heading).not_to_have_text(told)
    assert "/reports?week=" in page.url


@contextmanager
def compared(home: Path) -> Iterator[None]:
    """An experiment that began long ago, with one playlist of ann's."""
    folder, when = home / EXPERIMENTS, datetime(2020, 1, 1, tzinfo=UTC)
    store = ExperimentStore(folder)
    store.start(Experiment("mine", "als", "content", "discover", 2, (), 1, when))
    places = (Place("t2", "a", 1), Place("t3", "b", 1))
    store.add("mine", lambda number: Record(number, "ann", when, places))
    try:
        yield
    finally:
        shutil.rmtree(folder)


def test_a_week_as_files(paged: Running) -> None:
    with paged.client() as client:
        poster = client.get("/reports/file", params={"as": "poster"})
        assert poster.content[:4] == b"\x89PNG"
        assert "attachment" in poster.headers["content-disposition"]
        whole = client.get("/reports/file", params={"as": "page"}).text
        assert "<svg" in whole and "<h2>Compared</h2>" not in whole
        with compared(paged.home):
            whole = client.get("/reports/file", params={"as": "page"}).text
        assert "<h2>Compared</h2>" in whole and "als" in whole
        drawn = client.get("/reports/file", params={"as": "svg", "picture": "week-days"})
        assert "var(" not in drawn.text and drawn.text.startswith("<svg")
        for week in ("soon", "2999-W01"):
            answer = client.get(f"/reports?week={week}", headers={"x-fragment": "week"})
            assert answer.status_code == 422
        assert client.get("/reports/file?as=svg&picture=none").status_code == 404
