"""Tell people what happened, wherever they want to be told; what cannot be told breaks nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from segue.errors import ConfigError, SegueError
from segue.flows.home_parts import TEMPLATES
from segue.flows.wiring import Wiring
from segue.notifications.apprise_url import AppriseUrl
from segue.notifications.base import Message, Notifier, Told
from segue.notifications.examples import examples, hello
from segue.notifications.messages import token_expiring
from segue.notifications.sent_once import SentOnce, Turn
from segue.notifications.templates import Templates
from segue.services.sign_ins import SignInFacts

if TYPE_CHECKING:
    from segue.settings import Settings

__all__ = [
    "add_destination",
    "destinations",
    "expiring",
    "notify",
    "remove_destination",
    "secret_of",
    "templates",
    "try_out",
]

_log = logging.getLogger(__name__)

_KEPT_AS: Final = "notifications"
_AT_ONCE: Final = 8
_AT_ANY_TIME: Final[AbstractContextManager[Turn]] = nullcontext("due")


def notify(settings: Settings, message: Message, *, now: datetime) -> tuple[Told, ...]:
    """Tell a message to every destination, once each.

    Args:
        settings: Which destinations there are, and which kinds of messages are not sent.
        message: One with a key goes to a destination only if that has not had it yet.
        now: Aware UTC.

    Returns:
        What became of it, a line a destination, and one for a template or a store of secrets that
        cannot be used. Nothing where nobody wants to be told. It raises nothing for any of these.
    """
    if message.kind in settings.notifications.off:
        return ()
    wiring = Wiring(settings)
    troubles: list[Told] = []
    try:
        where = destinations(wiring, message.user_id, troubles)
        if not where:
            return tuple(troubles)
        try:
            filled = templates(wiring).filled(message)
        except ConfigError as error:
            filled = message  # better in Segue's words than not at all
            troubles.append(Told("the template", "failed", str(error)))
        told = _tell_all(wiring, where, filled, now)
    except SegueError as error:
        return (*troubles, Told("notifications", "failed", str(error)))
    for one in (*told, *troubles):
        if one.state == "failed":
            _log.warning("not told (%s): %s", message.kind, one.why)
    return (*told, *troubles)


def try_out(wiring: Wiring, *, user_id: str, now: datetime) -> tuple[Told, ...]:
    """Send a message to every destination, and fill every template with made-up facts.

    Args:
        user_id: Whose destinations; empty: those of all.
        now: Aware UTC.

    Returns:
        What became of it, a line a destination, and one for each template that cannot be used.
    """
    troubles: list[Told] = []
    where = destinations(wiring, user_id, troubles)
    own = templates(wiring)
    for example in examples(user_id or wiring.settings.user_id, now):
        try:
            own.filled(example)
        except ConfigError as error:
            troubles.append(Told(f"template of {example.kind}", "failed", str(error)))
    if not where:
        return tuple(troubles)
    return (*_tell_all(wiring, where, hello(now), now), *troubles)


def destinations(
    wiring: Wiring, user_id: str = "", troubles: list[Told] | None = None
) -> list[Notifier]:
    """Everywhere that something about a user is told: destinations of all, and of that user.

    Args:
        user_id: Empty: what concerns everybody.
        troubles: Where a store of secrets that cannot be used is noted; None: it is raised.

    Raises:
        SecretError: The store of secrets is locked or damaged.
    """
    told = wiring.settings.notifications
    found: list[Notifier] = []
    if told.sns_topic_arn:
        from segue.notifications.sns_topic import SnsTopic

        found.append(
            SnsTopic(
                told.sns_topic_arn,
                endpoint_url=told.sns_endpoint_url,
                attempts=told.attempts,
                timeout_s=told.timeout_seconds,
            )
        )
    urls = [(f"notifications.urls {n}", url) for n, url in enumerate(told.urls, start=1)]
    try:
        for secret in dict.fromkeys((_KEPT_AS, secret_of(user_id))):
            urls += [(label, SecretStr(url)) for label, url in wiring.secrets.read(secret).items()]
    except SegueError as error:
        if troubles is None:
            raise
        troubles.append(Told("destinations in the store of secrets", "failed", str(error)))
    for label, url in urls:
        one = _opened(wiring, label, url)
        if all(one.identity != other.identity for other in found):
            found.append(one)
    return found


def add_destination(wiring: Wiring, label: str, url: SecretStr, *, user_id: str = "") -> str:
    """Keep an apprise URL in the store of secrets; what was there under the label is replaced.

    Args:
        label: What it is called.
        url: The URL.
        user_id: Only what concerns this user goes there; empty: everything.

    Returns:
        Where it is kept, in words.

    Raises:
        ConfigError: The label or the URL cannot be used, or apprise is not installed.
        SecretError: The store cannot be written.
    """
    if not label.isprintable() or not label.strip():
        raise ConfigError(
            "a destination needs a name", field="name", cure="Call it phone, mail, or as you like."
        )
    _opened(wiring, label, url).check()
    wiring.secrets.write(secret_of(user_id), {label: url.get_secret_value().strip()})
    return wiring.secrets.where


def remove_destination(wiring: Wiring, label: str, *, user_id: str = "") -> None:
    """Forget a destination of the store of secrets.

    Raises:
        ConfigError: There is none of that name.
        SecretError: The store cannot be written.
    """
    known = wiring.secrets.read(secret_of(user_id))
    if label not in known:
        raise ConfigError(
            f"there is no destination “{label}” in the store of secrets",
            field="name",
            cure=f"There are: {', '.join(sorted(known)) or 'none'}.",
        )
    wiring.secrets.write(secret_of(user_id), {label: None})


def templates(wiring: Wiring) -> Templates:
    """The user's own words for messages."""
    return Templates(wiring.home / TEMPLATES)


def expiring(
    sign_ins: Sequence[SignInFacts], *, service: str, command: str, now: datetime
) -> tuple[Message, ...]:
    """A message for each sign-in that ends soon, or has ended.

    Args:
        sign_ins: Of one service.
        service: Its name.
        command: What signs in there, without the user.
        now: Aware UTC.
    """
    made = (
        token_expiring(
            service=service,
            user_id=one.user_id,
            ends_at=one.expires_at,
            again=f"{command} --user {one.user_id}",
            now=now,
            ended=one.ended,
        )
        for one in sign_ins
    )
    return tuple(message for message in made if message is not None)


def secret_of(user_id: str) -> str:
    """The secret that destinations are kept in."""
    return f"{_KEPT_AS}/{user_id}" if user_id else _KEPT_AS


def _opened(wiring: Wiring, label: str, url: SecretStr) -> AppriseUrl:
    told = wiring.settings.notifications
    return AppriseUrl(
        label,
        url,
        attempts=told.attempts,
        wait_s=told.wait_seconds,
        timeout_s=told.timeout_seconds,
    )


def _tell_all(
    wiring: Wiring, where: Sequence[Notifier], message: Message, now: datetime
) -> list[Told]:
    """All of them at the same time: a slow one keeps nobody else waiting."""
    once = SentOnce(wiring.services)
    with ThreadPoolExecutor(min(_AT_ONCE, len(where))) as pool:
        return list(pool.map(lambda one: _tell(one, message, once, now), where))


def _tell(one: Notifier, message: Message, once: SentOnce, now: datetime) -> Told:
    name = f"{message.kind}/{message.key}/{one.identity}"
    try:
        with once.once(message.user_id, name, now) if message.key else _AT_ANY_TIME as turn:
            if turn != "due":
                return Told(one.where, turn)
            one.tell(message)
        return Told(one.where, "sent")
    except SegueError as error:
        return Told(one.where, "failed", str(error))
