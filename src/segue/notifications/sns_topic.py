"""Messages by a topic of AWS SNS, whose subscribers AWS knows: mail, SMS, queues, functions."""

from __future__ import annotations

import unicodedata
import uuid
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

from segue.errors import ConfigError, NotifyError
from segue.notifications.base import Message

__all__ = ["SnsTopic"]

_LONGEST_SUBJECT: Final = 100
_LARGEST_BYTES: Final = 250_000
_KEYS: Final = (
    "Credentials come from where AWS keeps them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or the role of the machine; wanted is sns:Publish on the topic."
)


class SnsTopic:
    """One topic; messages are plain text, without attachments.

    Args:
        arn: Its name, which holds its region.
        endpoint_url: Of an SNS that is not AWS's; empty: AWS_ENDPOINT_URL_SNS, else AWS's.
        attempts: So often it is tried.
        timeout_s: Seconds for all tries together.
    """

    def __init__(
        self, arn: str, *, endpoint_url: str = "", attempts: int = 3, timeout_s: float = 30.0
    ) -> None:
        self._arn = arn
        self._endpoint_url = endpoint_url
        self._attempts = attempts
        self._timeout_s = timeout_s

    @property
    def where(self) -> str:
        """The topic by its name."""
        return f"SNS topic {self._arn.rpartition(':')[2]}"

    @property
    def identity(self) -> str:
        """A hash of the topic's full name."""
        return blake2b(self._arn.encode(), digest_size=8).hexdigest()

    def check(self) -> None:
        """Look whether boto3 is there.

        Raises:
            ConfigError: It is not, or was told what cannot be used.
        """
        _ = self._client

    def tell(self, message: Message) -> None:
        """Deliver a message. See `Notifier`."""
        client = self._client
        from botocore import exceptions as boto

        body = message.body_text.encode()[:_LARGEST_BYTES].decode(errors="ignore")
        try:
            client.publish(
                TopicArn=self._arn,
                Subject=_subject(message.title),
                Message=body or message.title,
                MessageAttributes={"kind": {"DataType": "String", "StringValue": message.kind}},
                **self._in_order(message),
            )
        except boto.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise NotifyError(
                f"{self.where} could not be told: AWS refuses it ({code})", cure=_KEYS
            ) from error
        except boto.NoCredentialsError as error:
            raise NotifyError(
                f"{self.where} could not be told: there are no credentials", cure=_KEYS
            ) from error
        except boto.BotoCoreError as error:
            raise NotifyError(
                f"{self.where} could not be told: {type(error).__name__}",
                cure="Check the network and notifications.sns_endpoint_url.",
            ) from error

    def _in_order(self, message: Message) -> dict[str, str]:
        """What a topic of the kind FIFO wants beside; AWS leaves out a second copy for 5 minutes.

        A message without a key is told every time, so only a retry of the same request is a copy.
        """
        if not self._arn.endswith(".fifo"):
            return {}
        told = f"{message.user_id}/{message.kind}/{message.key}".encode()
        once = blake2b(told, digest_size=16).hexdigest() if message.key else uuid.uuid4().hex
        return {"MessageGroupId": "segue", "MessageDeduplicationId": once}

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigError(
                f"{self.where} needs boto3, which is not installed",
                field="notifications.sns_topic_arn",
                cure="Install Segue with its extra: pip install 'segue[aws]'.",
            ) from error
        each = self._timeout_s / self._attempts
        config = Config(
            connect_timeout=min(5.0, each),
            read_timeout=each,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            user_agent_extra="segue",
        )
        try:
            return boto3.Session(region_name=self._arn.split(":")[3]).client(
                "sns", config=config, endpoint_url=self._endpoint_url or None
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(
                f"SNS cannot be opened: {error}",
                field="notifications.sns_endpoint_url",
                cure="Check notifications.sns_endpoint_url and the AWS_… variables.",
            ) from error


def _subject(title: str) -> str:
    """A title as SNS takes it: a line of ASCII that begins with a letter or digit.

    >>> _subject("Señor: *week*")
    'Senor: *week*'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
    return line.lstrip(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")[:_LONGEST_SUBJECT] or "Segue"
