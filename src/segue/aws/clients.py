"""Clients of AWS services, and what their errors mean for somebody at a keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from segue.errors import ConfigError, ServiceDownError, ServiceError

__all__ = ["Aws"]

_BUSY: Final = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "InternalServiceException",
        "InternalServerError",
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "KMSThrottlingException",
        "SlowDown",
    }
)
_UNKNOWN_KEYS: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidToken",
    }
)
_NOT_THERE: Final = ("ResourceNotFoundException", "NonExistentQueue", "NoSuchBucket")
_FORBIDDEN: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized"})
_SERVER_FAULT: Final = 500
_KEYS: Final = (
    "Credentials come from where AWS keeps them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or the role of the machine."
)


@dataclass(frozen=True, slots=True)
class Aws:
    """How to reach AWS.

    Args:
        region: Empty: AWS_REGION, AWS_DEFAULT_REGION, else what the shared files say.
        endpoint_url: Of something that is not AWS; empty: AWS_ENDPOINT_URL…, else AWS.
        attempts: How often a request is made in all.
        timeout_seconds: Without an answer for so long, a request is made again.
    """

    region: str = ""
    endpoint_url: str = ""
    attempts: int = 4
    timeout_seconds: float = 20.0

    def client(self, service: str) -> Any:
        """A client of boto3, safe to use from several threads; the same one for the same place.

        Raises:
            ConfigError: boto3 is not installed, or what it was told cannot be used.
        """
        named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}")
        return _client(self, service, named or os.environ.get("AWS_ENDPOINT_URL", ""))

    @contextmanager
    def explained(self, service: str, doing: str) -> Iterator[None]:
        """Turn errors of boto3 into ours.

        Args:
            service: What it is called: Amazon Personalize.
            doing: What is being done, for the message: "create the campaign segue".

        Raises:
            ServiceDownError: It is out of order, has too much to do, or does not answer.
            ServiceError: It refuses.
        """
        from botocore import exceptions as boto

        try:
            yield
        except boto.ClientError as error:
            told = error.response.get("Error", {})
            code = str(told.get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status >= _SERVER_FAULT or code in _BUSY:
                raise ServiceDownError(
                    f"{service} cannot {doing} now ({code})",
                    service=service,
                    cure="Wait a little, then run it again.",
                ) from error
            raise ServiceError(
                f"{service} refuses to {doing}: {told.get('Message', code)} ({code})",
                service=service,
                status=status,
                cure=_cure(code, status),
            ) from error
        except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
            raise ConfigError(f"there are no credentials for {service}", cure=_KEYS) from error
        except (
            boto.CredentialRetrievalError,
            boto.MetadataRetrievalError,
            boto.SSOError,
        ) as error:
            raise ConfigError(f"credentials for {service}: {error}", cure=_KEYS) from error
        except boto.ParamValidationError as error:
            raise ConfigError(
                f"{service} cannot be asked to {doing}: {error}",
                cure="Mend the name or address that it was given.",
            ) from error
        except boto.BotoCoreError as error:
            raise ServiceDownError(
                f"{service} does not answer ({type(error).__name__})",
                service=service,
                cure="Check the network, the region and AWS_ENDPOINT_URL.",
            ) from error


def _cure(code: str, status: int) -> str:
    if code in _UNKNOWN_KEYS:
        return f"The credentials are wrong or have expired: sign in anew. {_KEYS}"
    if code.endswith(_NOT_THERE) or code == "QueueDoesNotExist":
        return "Check the name, the region and the account: there it is not."
    if code in _FORBIDDEN or status == 403:
        return f"Allow it to the role that asks. {_KEYS}"
    if code == "LimitExceededException":
        return "Remove what is no longer needed, or ask AWS for a higher quota."
    return "Mend what it says, then run it again: what is done stays done."


@lru_cache(maxsize=32)
def _client(aws: Aws, service: str, _named: str) -> Any:
    """One for each endpoint that the environment names: boto3 reads it by itself."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigError(
            f"AWS ({service}) needs boto3, which is not installed",
            cure="Install Segue with its extra: pip install 'segue[aws]'.",
        ) from error
    config = Config(
        connect_timeout=min(5.0, aws.timeout_seconds),
        read_timeout=aws.timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": aws.attempts},
        user_agent_extra="segue",
    )
    try:
        region = aws.region or os.environ.get("AWS_REGION") or None
        return boto3.Session(region_name=region).client(
            service, config=config, endpoint_url=aws.endpoint_url or None
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"AWS ({service}) cannot be used: {error}",
            cure="Check the region (AWS_REGION) and the other AWS_… variables.",
        ) from error
