"""Messages by apprise: mail, ntfy, Discord, Telegram and a hundred others, each a URL."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import unquote

from pydantic import SecretStr

from segue.errors import ConfigError, NotifyError
from segue.notifications.base import Attachment, Message

__all__ = ["AppriseUrl"]

_SHORTEST_SECRET: Final = 4
_LONGEST_WHY: Final = 300
_URL: Final = re.compile(r"\S+://\S+")
_HOOKS: Final = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
_WORDS: Final = frozenset({"http", "https", "smtp", "localhost", "mail", "message", "error"})


class AppriseUrl:
    """One apprise URL.

    Args:
        label: What it is called here, to tell it from others.
        url: The URL, which may hold passwords: it is never shown.
        attempts: So often it is tried.
        wait_s: Seconds between two tries.
        timeout_s: Seconds for all tries together.
    """

    def __init__(
        self,
        label: str,
        url: SecretStr,
        *,
        attempts: int = 3,
        wait_s: float = 2.0,
        timeout_s: float = 30.0,
    ) -> None:
        self._label = label
        self._url = url
        self._attempts = attempts
        self._wait_s = wait_s
        self._timeout_s = timeout_s

    @property
    def where(self) -> str:
        """The sort of service, and the label."""
        scheme, found, _ = self._url.get_secret_value().partition("://")
        return f"{self._label} ({scheme if found and scheme.isalnum() else 'no URL'})"

    @property
    def identity(self) -> str:
        """A hash of the URL."""
        return blake2b(self._url.get_secret_value().encode(), digest_size=8).hexdigest()

    def check(self) -> None:
        """Look at the URL without sending anything.

        Raises:
            ConfigError: apprise is not installed, or does not know such a URL.
        """
        self._service(_apprise())

    def tell(self, message: Message) -> None:
        """Deliver a message. See `Notifier`."""
        apprise = _apprise()
        service = self._service(apprise)
        service.retry, service.wait = self._attempts - 1, self._wait_s
        if "overflow=" not in self._url.get_secret_value():
            service.overflow_mode = apprise.OverflowMode.SPLIT
        sender = apprise.Apprise(asset=service.asset)
        sender.add(service)
        marked = _takes_markdown(apprise, service)
        with TemporaryDirectory(prefix="segue-") as folder:
            files = _files(Path(folder), message.attachments) if service.attachment_support else []
            try:
                result = sender.notify(
                    body=message.body_markdown if marked else message.body_text,
                    title=message.title,
                    body_format=apprise.NotifyFormat.MARKDOWN
                    if marked
                    else apprise.NotifyFormat.TEXT,
                    attach=files or None,
                    timeout=self._timeout_s,
                )
            except Exception as error:  # a hundred plugins, each of which may raise anything
                raise self._failure(f"{type(error).__name__}: {error}") from error
        if not result:
            raise self._failure(_why(apprise, result))

    def _service(self, apprise: Any) -> Any:
        asset = apprise.AppriseAsset(app_id="Segue", app_desc="Segue", app_url="")
        made, cause = None, None
        try:
            made = apprise.Apprise.instantiate(self._url.get_secret_value(), asset=asset)
        except Exception as error:  # see above
            cause = error
        if made is None:
            raise ConfigError(
                f"the address of {self.where} is none that apprise knows",
                field="notifications.urls",
                cure="See https://github.com/caronc/apprise/wiki for how the URL of each service"
                " is written.",
            ) from cause
        return made

    def _failure(self, why: str) -> NotifyError:
        said = " ".join(self._without_secrets(why).split())[:_LONGEST_WHY].rstrip(". ")
        return NotifyError(
            f"{self.where} could not be told: {said}",
            cure="Check its address with `segue notify test`.",
        )

    def _without_secrets(self, text: str) -> str:
        """A text in which no part of the URL stands."""
        url = self._url.get_secret_value()
        parts = {url, *url.replace("?", "/").replace("&", "/").replace("=", "/").split("/")}
        parts |= {piece for part in parts for piece in part.replace("@", ":").split(":")}
        for part in sorted({unquote(part) for part in parts} | parts, key=len, reverse=True):
            if len(part) >= _SHORTEST_SECRET and part.lower() not in _WORDS:
                text = text.replace(part, "…")
        return text


def _apprise() -> Any:
    """The library, with its plugins found."""
    library = logging.getLogger("apprise")
    library.propagate = False  # what it says is told by us, without secrets
    library.addFilter(_without_urls)  # adding it again changes nothing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of what it imports itself
            import apprise

            apprise.Apprise.instantiate("json://localhost")  # loads the plugins
    except ImportError as error:
        raise ConfigError(
            "telling somebody by mail, ntfy, Discord and so on needs apprise, which is not"
            " installed",
            field="notifications.urls",
            cure="Install Segue with its extra: pip install 'segue[notifications]'.",
        ) from error
    return apprise


def _without_urls(record: logging.LogRecord) -> bool:
    """Take addresses out of what the library says."""
    record.msg, record.args = _URL.sub("…", record.getMessage()), ()
    return True


def _takes_markdown(apprise: Any, service: Any) -> bool:
    """Whether people see it as it is meant; programs behind a web hook get plain text."""
    if service.url(privacy=True).partition("://")[0] in _HOOKS:
        return False
    formats = service.notify_format
    offered = formats if isinstance(formats, Sequence) and not isinstance(formats, str) else ()
    wanted = {apprise.NotifyFormat.MARKDOWN, apprise.NotifyFormat.HTML}
    return bool(wanted & set(offered or (formats,)))


def _files(folder: Path, attachments: Sequence[Attachment]) -> list[str]:
    files = []
    for attachment in attachments:
        path = folder / Path(attachment.name).name
        path.write_bytes(attachment.content)
        files.append(str(path))
    return files


def _why(apprise: Any, result: Any) -> str:
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        return "it did not answer in time"
    said = [str(entry.message) for entry in result.logs()]
    return said[-1] if said else "it gave no reason"
