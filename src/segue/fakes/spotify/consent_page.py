"""The page that asks a person whether an app may have what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from segue.fakes.messages import Answer
from segue.fakes.spotify.people import App
from segue.fakes.spotify.world import World

__all__ = ["consent_page"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>A stand-in for Spotify</title>
<style>body{{font:16px/1.5 system-ui;max-width:32em;margin:3em auto;padding:0 1em}}</style>
<h1>A stand-in for Spotify</h1>
<p>The app <code>{app}</code> asks for:</p><ul>{scopes}</ul>
<form method="post" action="/authorize">{kept}
<p><label>Sign in as <select name="user">{users}</select></label></p>
<p><button name="answer" value="agree">Agree</button>
<button name="answer" value="cancel">Cancel</button></p></form></html>
"""


def consent_page(world: World, app: App, asked: Mapping[str, str]) -> Answer:
    """The page; its buttons send the same request again, with the answer."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
        if name not in ("user", "answer")
    )
    users = "".join(
        f'<option value="{escape(user.id)}"{" selected" * (user.id == world.signed_in)}>'
        f"{escape(user.display_name)}</option>"
        for user in world.users.values()
    )
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in asked.get("scope", "").split())
    page = _PAGE.format(app=escape(app.client_id), scopes=scopes, kept=kept, users=users)
    return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
