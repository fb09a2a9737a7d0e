"""A queue of SQS for what could not be taken: it waits there to be looked at and sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from segue.aws.clients import Aws
from segue.errors import ServiceDownError

__all__ = ["Letter", "Letters"]

_SERVICE: Final = "SQS"
_AT_ONCE: Final = 10
_MOST_BYTES: Final = 250_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was received.

    Args:
        body: What it says.
        receipt: By which it is deleted.
        message_id: The same each time it is received.
    """

    body: Mapping[str, Any]
    receipt: str
    message_id: str


class Letters:
    """A queue.

    Args:
        aws: How to reach it.
        url: The queue's.
    """

    def __init__(self, aws: Aws, url: str) -> None:
        self._aws = aws
        self._url = url

    def send(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Put messages into the queue, all of them.

        Of one that has no room there, the text `body` is cut, and `cut` tells how long it was: the
        record is in the stream as it came, by its number.

        Raises:
            ServiceDownError: Some are not there; sending them again does no harm.
        """
        client = self._aws.client("sqs")
        for group in _groups(bodies):
            entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(group)]
            with self._aws.explained(_SERVICE, "keep what could not be taken"):
                answer = client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                raise ServiceDownError(
                    "SQS did not keep every message", service=_SERVICE, cure="Deliver it again."
                )

    def receive(self) -> tuple[Letter, ...]:
        """Some messages; they come again later unless they are deleted. None: it seems empty."""
        client = self._aws.client("sqs")
        with self._aws.explained(_SERVICE, "read the queue"):
            found = client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=1
            )
        return tuple(
            Letter(_body(one["Body"]), one["ReceiptHandle"], one["MessageId"])
            for one in found.get("Messages", ())
        )

    def delete(self, letter: Letter) -> None:
        """Remove a message for good."""
        client = self._aws.client("sqs")
        with self._aws.explained(_SERVICE, "remove a message"):
            client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)


def _groups(bodies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Messages as text, as many together as a request may hold."""
    group: list[str] = []
    for body in bodies:
        text = _within(body)
        full = len(group) == _AT_ONCE or sum(map(len, group)) + len(text) > _MOST_BYTES
        if group and full:
            yield group
            group = []
        group.append(text)
    if group:
        yield group


def _within(body: Mapping[str, Any]) -> str:
    """A message as text that SQS has room for."""
    text = json.dumps(body, ensure_ascii=True)
    told = body.get("body")
    if len(text) <= _MOST_BYTES or not isinstance(told, str):
        return text
    return json.dumps({**body, "body": told[: _MOST_BYTES // 8], "cut": len(told)})


def _body(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
