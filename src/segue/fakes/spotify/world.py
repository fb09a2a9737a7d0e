"""All that the service knows: users, apps, tokens, playlists, players, and what was asked of it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from segue.fakes.catalogue import Catalogue
from segue.fakes.clock import Clock
from segue.fakes.faults import Faults
from segue.fakes.ids import id_of
from segue.fakes.request_log import RequestLog
from segue.fakes.search_index import SearchIndex
from segue.fakes.spotify.limits import Limits
from segue.fakes.spotify.people import SCOPES, AccessToken, App, Code, Grant, User
from segue.fakes.spotify.player import Player
from segue.fakes.spotify.playlist import Playlist
from segue.fakes.spotify.rules import Rules

__all__ = ["World"]

_LOOPBACK: Final = ("http://127.0.0.1/callback", "http://[::1]/callback")


class World:
    """The state of the service; whoever changes it holds `lock`.

    Args:
        catalogue: What can be heard.
        clock: What time it is.
        rules: How it behaves.
    """

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        clock: Clock | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.catalogue = Catalogue() if catalogue is None else catalogue
        self.clock = Clock() if clock is None else clock
        self.rules = Rules() if rules is None else rules
        self.index = SearchIndex(self.catalogue)
        self.limits = Limits(self.rules)
        self.faults = Faults()
        self.log = RequestLog()
        self.violations: list[str] = []
        self.base_url = ""
        self.users: dict[str, User] = {}
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.playlists: dict[str, Playlist] = {}
        self.players: dict[str, Player] = {}
        self.signed_in = ""
        self.changes = 0

    def add_user(
        self,
        user_id: str = "",
        *,
        display_name: str = "",
        country: str = "GB",
        premium: bool = True,
    ) -> User:
        """Somebody new; the first one is who sits at the browser."""
        name = user_id or f"user{len(self.users) + 1}"
        user = User(name, display_name or name.capitalize(), f"account-{name}", country, premium)
        self.users[name] = user
        self.players[name] = Player(self.catalogue, self.rules, self.clock)
        self.signed_in = self.signed_in or name
        return user

    def add_app(
        self,
        client_id: str = "",
        *,
        client_secret: str = "",
        redirect_uris: Sequence[str] = _LOOPBACK,
        developer: str = "developer",
        owner: str = "",
        allowed: Iterable[str] = (),
        development: bool = True,
    ) -> App:
        """Register an app; its owner is the first user unless another is named."""
        app = App(
            client_id or secrets.token_hex(16),
            client_secret or secrets.token_hex(16),
            list(redirect_uris),
            developer,
            owner or self.signed_in,
            list(allowed),
            development,
        )
        self.apps[app.client_id] = app
        return app

    def add_playlist(
        self, owner: User, name: str, uris: Iterable[str] = (), *, playlist_id: str = ""
    ) -> Playlist:
        """Make a playlist, as its owner does in Spotify's own app."""
        identifier = playlist_id or id_of("playlist", secrets.randbits(60))
        made = Playlist(identifier, name, owner.id)
        made.insert(uris, None, by=owner.id, at=self.clock.now())
        self.playlists[identifier] = made
        owner.followed.insert(0, identifier)
        return made

    def player_of(self, user: User) -> Player:
        """Their player, as it is by now."""
        player = self.players[user.id]
        player.settle()
        return player

    def grant(
        self, app: App, user: User, scopes: Iterable[str] = SCOPES, *, pkce: bool = True
    ) -> str:
        """A refresh token, as if the user had just said yes."""
        token = new_token("AQ")
        self.grants[token] = Grant(
            app.client_id, user.id, frozenset(scopes), self.clock.now(), pkce
        )
        return token

    def sign_in(self, app: App, user: User, scopes: Iterable[str] = SCOPES) -> str:
        """An access token of that user, for an hour."""
        return self.issue(app.client_id, user.id, frozenset(scopes), self.clock.now())

    def issue(self, client_id: str, user_id: str, scopes: frozenset[str], now: datetime) -> str:
        """A new access token."""
        token = new_token("BQ")
        ends = now + timedelta(seconds=self.rules.access_seconds)
        self.tokens[token] = AccessToken(client_id, user_id, scopes, ends)
        return token

    def revoke(self, app: App, user: User) -> None:
        """The user takes back what they granted an app."""
        for kept in (self.grants, self.tokens):
            for token in [
                t for t, g in kept.items() if g.client_id == app.client_id and g.user_id == user.id
            ]:
                del kept[token]


def new_token(kind: str) -> str:
    """A token that nobody can guess."""
    return kind + secrets.token_urlsafe(96)
