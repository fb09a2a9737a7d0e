"""What is told, and what every way of telling promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Protocol, get_args

__all__ = ["KINDS", "Attachment", "Kind", "Message", "Notifier", "State", "Told"]

Kind = Literal[
    "playlist_refreshed", "token_expiring", "collection_stopped", "build_failed", "weekly_report"
]
"""What a message is about; each kind can be turned off."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

State = Literal["sent", "already", "waits", "failed"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message, where its destination takes files.

    Args:
        name: Of the file, with its ending.
        content: Its bytes.
    """

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell.

    Args:
        kind: What it is about.
        title: One line.
        body_text: The message as plain text.
        body_markdown: The same as Markdown.
        user_id: Whom it concerns; empty: everybody.
        key: What happened, in a name that is the same when the same is told again: each
            destination gets it once. Empty: it is told every time.
        facts: What templates may name beside title and body.
        attachments: Files that go with it.
    """

    kind: Kind
    title: str
    body_text: str
    body_markdown: str
    user_id: str = ""
    key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one message at one destination.

    Args:
        destination: In words; nothing secret.
        state: It was sent now, had been sent already, waits since another process began to send it
            and nobody knows yet whether it did, or could not be sent.
        why: Why it could not be sent, or what is wrong with a template.
    """

    destination: str
    state: State
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


class Notifier(Protocol):
    """One destination."""

    @property
    def where(self) -> str:
        """It in words; nothing secret."""

    @property
    def identity(self) -> str:
        """A short name that is the same as long as it is the same destination; nothing secret."""

    def tell(self, message: Message) -> None:
        """Deliver a message within a time limit, trying again where that helps.

        Raises:
            NotifyError: It could not be delivered.
            ConfigError: What is needed for it is not installed, or its address is wrong.
        """
