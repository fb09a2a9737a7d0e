"""Templates with what all of them know: the navigation, who looks, where static files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from segue.doors.web.ask import Ask
from segue.doors.web.icons import icon
from segue.doors.web.pages import Nav, Pages
from segue.doors.web.plain_words import in_plain_words
from segue.doors.web.static_files import StaticFiles

__all__ = ["Templates"]

_FOLDER: Final = Path(__file__).parent / "templates"
_GROUPS: Final = ("listen", "look", "house")


class Templates:
    """Makes HTML. What is shown is escaped, unless it is marked as HTML of our own.

    Args:
        pages: For the navigation.
        static: For the addresses of static files.
    """

    def __init__(self, pages: Pages, static: StaticFiles) -> None:
        self._pages = pages
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["plain"] = in_plain_words
        known = self._environment.globals
        known["static"] = static.address
        known["icon"] = icon
        known["ui"] = self._environment.get_template("ui.html").module

    def load(self) -> None:
        """Have every template at hand."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(
        self,
        name: str,
        fragment: str,
        told: Mapping[str, Any],
        *,
        ask: Ask | None,
        theme: str,
    ) -> str:
        """A page, or one block of it.

        Args:
            fragment: Name of the block; empty, or none of the template's: the whole page.
            ask: None: nobody is signed in.
        """
        template = self._environment.get_template(name)
        about = {
            "who": None if ask is None else ask.who,
            "token": "" if ask is None else ask.who.token,
            "path": "" if ask is None else ask.path,
            "here": "" if ask is None else f"/{ask.path.split('/', 2)[1]}",
            "theme": theme,
            "nav": self._nav(),
        }
        context = template.new_context({**about, **told})
        if fragment in template.blocks:
            return "".join(template.blocks[fragment](context))
        return "".join(template.root_render_func(context))

    def _nav(self) -> list[tuple[str, list[tuple[str, Nav]]]]:
        """The pages by group, in their order."""
        placed = sorted(self._pages.nav.items(), key=lambda one: one[1].place)
        return [
            (group, [(path, nav) for path, nav in placed if nav.group == group])
            for group in _GROUPS
        ]
