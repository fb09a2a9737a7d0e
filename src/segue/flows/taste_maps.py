"""Maps of listeners' tastes, drawn in the background when they are first asked for, and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from segue.flows.online.shelf import Opened
from segue.flows.taste_map import TasteMap, draw_map
from segue.warehouse.beside import Beside

__all__ = ["Drawing", "TasteMaps"]

_KEPT: Final = 6  # maps in memory; one of 50,000 tracks takes some 10 MB
_FORM: Final = 1
"""Changes with what is drawn, and how it is written down."""


@dataclass
class Drawing:
    """A map that is being drawn; `part` of it is done, 0 … 1."""

    part: float = 0.0


class TasteMaps:
    """The maps of a service; each is kept beside the snapshot that it was drawn from.

    One is drawn at a time, so that answers to others stay quick.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "map")
        self._drawn: OrderedDict[tuple[str, str], tuple[Future[TasteMap], Drawing]] = OrderedDict()

    def get(self, opened: Opened, user_id: str) -> TasteMap | Drawing:
        """The map, or how far it is.

        Args:
            opened: The models and the history of this moment; the map of others is not shown.
            user_id: Whose.

        Raises:
            NotReadyError: There is too little to draw.
        """
        key = (opened.name, user_id)
        with self._lock:
            if key not in self._drawn:
                self._start(key, opened)
            self._drawn.move_to_end(key)
            found, drawing = self._drawn[key]
            if not found.done():
                return drawing
            if found.exception() is not None:
                del self._drawn[key]  # it is tried again when it is asked for again
        return found.result()

    def close(self) -> None:
        """Finish what is being drawn."""
        self._pool.shutdown(cancel_futures=True)

    def _start(self, key: tuple[str, str], opened: Opened) -> None:
        drawing = Drawing()
        kept = _kept(opened, key[1])
        if kept is not None:
            future: Future[TasteMap] = Future()
            future.set_result(kept)
        else:
            future = self._pool.submit(_draw, opened, key[1], drawing)
        self._drawn[key] = (future, drawing)
        while len(self._drawn) > _KEPT:
            self._drawn.popitem(last=False)


def _beside(opened: Opened) -> Beside:
    return Beside(opened.snapshot.folder.parent)


def _name(opened: Opened) -> str:
    return f"map-{_FORM}-{opened.bundle.name}"


def _kept(opened: Opened, user_id: str) -> TasteMap | None:
    """The map that was drawn before, maybe by another process."""
    content = _beside(opened).get(opened.snapshot.name, user_id, _name(opened))
    return None if content is None else TasteMap.from_bytes(content)


def _draw(opened: Opened, user_id: str, drawing: Drawing) -> TasteMap:
    def tell(part: float) -> None:
        drawing.part = part

    drawn = draw_map(opened, user_id, tell=tell)
    _beside(opened).put(opened.snapshot.name, user_id, _name(opened), drawn.as_bytes())
    return drawn
