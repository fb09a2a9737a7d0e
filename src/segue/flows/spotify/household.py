"""Spotify as one data home uses it: several users, one app, one queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from segue.flows.spotify.names import SERVICE, secret_name
from segue.secrets.base import SecretStore
from segue.secrets.environment import Environment, EnvironmentFirst
from segue.services.request_queue import RequestQueue, Usage
from segue.services.sign_ins import SignIns
from segue.services.spotify.accounts import Accounts
from segue.services.spotify.api import SpotifyApi
from segue.services.spotify.client import SpotifyClient, open_http
from segue.services.spotify.tokens import DERIVED, VARIABLES, TokenPlace, Tokens
from segue.services.state_file import StateFile

if TYPE_CHECKING:
    import httpx2

__all__ = ["Household"]

_LISTEN_KEEPS_BACK: Final = 5
"""Following what is played leaves this part of the budget (one in …) to everything else."""


@dataclass(frozen=True, slots=True)
class _SecretPlace:
    """One secret of a store."""

    store: SecretStore
    name: str

    def read(self) -> Mapping[str, str]:
        return self.store.read(self.name)

    def write(self, fields: Mapping[str, str | None]) -> None:
        self.store.write(self.name, fields)


@dataclass(frozen=True)
class Household:
    """Who is signed in at Spotify, and how it is asked.

    Args:
        secrets: Where tokens are kept.
        state: Where requests, blocks and sign-ins are noted.
        main_user: The user whose refresh token the environment may hold.
        given: Fields of a sign-in that settings or the environment say.
        redirect_uri: Where Spotify sends the browser.
        api_url: Base address of the Web API.
        accounts_url: Base address of the accounts service.
        budget: Requests in 24 hours.
        clock: The time, aware UTC.
        open_http: Makes the client that asks, when it is first needed.
        pause: Waits for so many seconds before something is tried again.
    """

    secrets: SecretStore
    state: StateFile
    main_user: str
    given: Mapping[str, str] = field(repr=False)
    redirect_uri: str
    api_url: str
    accounts_url: str
    budget: int
    clock: Callable[[], datetime]
    open_http: Callable[[], httpx2.Client] = open_http
    pause: Callable[[float], None] = time.sleep

    @cached_property
    def http(self) -> httpx2.Client:
        """One client for everything: making one takes longer than a request."""
        return self.open_http()

    @cached_property
    def accounts(self) -> Accounts:
        """Gives tokens."""
        return Accounts(self.accounts_url, self.http, self.pause)

    @cached_property
    def sign_ins(self) -> SignIns:
        """Who is signed in since when."""
        return SignIns(self.state, SERVICE)

    @cached_property
    def queue(self) -> RequestQueue:
        """The turns that requests take."""
        return RequestQueue(
            self.state,
            SERVICE,
            budget=self.budget,
            setting="spotify.requests_per_day",
            clock=self.clock,
            kept_back={"listen": self.budget // _LISTEN_KEEPS_BACK},
        )

    @property
    def usage(self) -> Usage:
        """What was asked in 24 hours, and what may be."""
        return self.queue.usage()

    def place(self, user_id: str) -> TokenPlace:
        """Where the tokens of a user are kept."""
        return _SecretPlace(self.store(user_id), secret_name(user_id))

    def store(self, user_id: str) -> EnvironmentFirst:
        """The secrets, after what the environment says of this user."""
        given = dict(self.given)
        if user_id != self.main_user:  # the app is everybody's, the token is one person's
            given.pop(VARIABLES[DERIVED[0]], None)
        environment = Environment(secret_name(user_id), VARIABLES, given)
        return EnvironmentFirst(environment, self.secrets, DERIVED)

    def api(self, user_id: str, purpose: str, *, place: TokenPlace | None = None) -> SpotifyApi:
        """The Web API for one user.

        Args:
            purpose: What its requests count for.
            place: Other tokens than those that are kept.
        """
        tokens = Tokens(
            place or self.place(user_id),
            self.accounts,
            self.clock,
            on_end=lambda why: self.sign_ins.end(user_id, why),
        )
        client = SpotifyClient(
            self.api_url,
            self.http,
            tokens=tokens,
            queue=self.queue,
            clock=self.clock,
            pause=self.pause,
        )
        return SpotifyApi(client, purpose)
