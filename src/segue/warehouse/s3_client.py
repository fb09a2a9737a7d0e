"""Speaking to S3: addresses, the client, and what its errors mean for somebody at a keyboard."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from segue.errors import ConfigError, StorageError, UnreachableError

__all__ = ["S3Options", "S3Place", "explained", "is_passing", "open_client", "saying"]

_ADDRESS: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/+(.*))?")
_CONNECT_SECONDS: Final = 5
_ATTEMPTS: Final = 4
_CONNECTIONS: Final = 32
_STRANGERS: Final = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "TokenRefreshRequired",
    "InvalidClientTokenId",
    "AuthorizationHeaderMalformed",
}
_FORBIDDEN: Final = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled"}
_ELSEWHERE: Final = {"PermanentRedirect", "301", "IllegalLocationConstraintException"}
_BUSY: Final = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling"}
_SERVER_FAULT: Final = 500
_KEYS: Final = (
    "Credentials come from where AWS keeps them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or the role of the machine."
)


@dataclass(frozen=True, slots=True)
class S3Place:
    """A prefix of a bucket.

    >>> S3Place.parse("s3://music/segue").key("plays/a.parquet")
    'segue/plays/a.parquet'
    """

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, address: str) -> S3Place:
        """The place that an address names.

        Raises:
            ConfigError: It is no address of a bucket.
        """
        found = _ADDRESS.fullmatch(address)
        parts = (found[2] or "").split("/") if found else []
        if found is None or {".", ".."} & set(parts) or not address.isprintable():
            raise ConfigError(
                f"“{address}” is no place in S3",
                field="lake",
                cure="Write s3://bucket or s3://bucket/prefix; names of buckets are small letters,"
                " digits, dots and hyphens.",
            )
        return cls(found[1], "/".join(part for part in parts if part))

    def key(self, name: str) -> str:
        """The key of the file with this name in the lake."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def name(self, key: str) -> str:
        """The name in the lake of the file with this key."""
        return key[len(self.prefix) + 1 :] if self.prefix else key

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to speak to S3.

    Args:
        endpoint_url: Of an S3 that is not AWS's; empty: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
            else AWS.
        region: Empty: AWS_REGION, AWS_DEFAULT_REGION, else what the shared files say.
        path_style: Addresses with the bucket in the path; None: with an endpoint of one's own.
        timeout_seconds: Without an answer for so long, a request is made again.
    """

    endpoint_url: str = ""
    region: str = ""
    path_style: bool | None = None
    timeout_seconds: float = 30


def open_client(place: S3Place, options: S3Options) -> Any:
    """A client of boto3, safe to use from several threads.

    Raises:
        ConfigError: boto3 is not installed, or what it was told cannot be used.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigError(
            f"a lake in S3 ({place}) needs boto3, which is not installed",
            field="lake",
            cure="Install Segue with its extra: pip install 'segue[aws]'.",
        ) from error
    own = bool(
        options.endpoint_url
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
    )
    style = "path" if own else "auto"
    if options.path_style is not None:
        style = "path" if options.path_style else "virtual"
    config = Config(
        connect_timeout=min(options.timeout_seconds, _CONNECT_SECONDS),
        read_timeout=options.timeout_seconds,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        s3={"addressing_style": style},
        user_agent_extra="segue",
    )
    region = options.region or os.environ.get("AWS_REGION") or None
    try:
        session = boto3.Session(region_name=region)
        return session.client(
            "s3",
            config=config,
            endpoint_url=options.endpoint_url or None,
            region_name=None if session.region_name else "us-east-1",
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"the lake in S3 ({place}) cannot be opened: {error}",
            field="s3",
            cure="Check s3.endpoint_url, s3.region and the AWS_… variables.",
        ) from error


def saying(error: Exception) -> str:
    """The code that S3 answered with; empty where there was no answer."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed when it is made again."""
    from botocore import exceptions as boto

    response = getattr(error, "response", None)
    if response:
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= _SERVER_FAULT or saying(error) in _BUSY
    return isinstance(error, boto.ConnectionError | boto.HTTPClientError | boto.IncompleteReadError)


@contextmanager
def explained(place: S3Place, doing: str) -> Iterator[None]:
    """Turn errors of boto3 into ours, with a cure."""
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as error:
        raise _answered(place, doing, error) from error
    except (boto.NoCredentialsError, boto.CredentialRetrievalError) as error:
        raise ConfigError(
            f"there are no credentials for the lake in {place}", field="lake", cure=_KEYS
        ) from error
    except (boto.PartialCredentialsError, boto.ProfileNotFound) as error:
        raise ConfigError(
            f"the credentials for the lake in {place} are not whole: {error}",
            field="lake",
            cure=_KEYS,
        ) from error
    except (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError) as error:
        raise UnreachableError(
            f"{place} does not answer ({doing}: {_words(error)})",
            cure="Check the network and s3.endpoint_url, then run it again: what was begun is not"
            " used half.",
        ) from error
    except boto.BotoCoreError as error:
        raise ConfigError(
            f"{place} cannot be used ({doing}: {_words(error)})",
            field="lake",
            cure="Check `lake`, the settings under s3 and the AWS_… variables.",
        ) from error


def _answered(place: S3Place, doing: str, error: Any) -> Exception:
    code = saying(error)
    said = error.response.get("Error", {}).get("Message") or code
    if code == "NoSuchBucket":
        return ConfigError(
            f"there is no bucket “{place.bucket}”",
            field="lake",
            cure="Make it (aws s3 mb), or mend the setting `lake`.",
        )
    if code in _STRANGERS:
        return ConfigError(
            f"{place} does not accept the credentials ({code}: {said})", field="lake", cure=_KEYS
        )
    if code in _FORBIDDEN:
        return StorageError(
            f"{place} forbids {doing} ({code}); nothing was changed",
            cure="Allow s3:ListBucket, s3:GetObject and s3:PutObject there, for `segue lake"
            " compact` s3:DeleteObject as well; see docs/warehouse.md.",
        )
    if code in _ELSEWHERE:
        return ConfigError(
            f"the bucket “{place.bucket}” is in another region ({said})",
            field="s3.region",
            cure="Set s3.region or AWS_REGION to the bucket's region.",
        )
    if is_passing(error):
        return UnreachableError(
            f"{place} is out of order ({doing}: {code}: {said})",
            cure="Wait a little and run it again: what was begun is not used half.",
        )
    return StorageError(
        f"{place} refused {doing} ({code}: {said}); nothing was changed",
        cure="Check `lake` and the settings under s3.",
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
