"""Secrets in AWS Secrets Manager, each a JSON object of its fields."""

from __future__ import annotations

import json
import os
import random
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar, Final

from segue.errors import ConfigError, SecretError, UnreachableError
from segue.secrets.base import Place, checked, merged

__all__ = ["AwsSecretsManager"]

_CURRENT: Final = "AWSCURRENT"
_NEXT: Final = "SEGUE-NEXT"
_ATTEMPTS: Final = 8
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9/_+.@-]")
_ALREADY: Final = "ResourceExistsException"
_NONE: Final = "ResourceNotFoundException"
_FORBIDDEN: Final = {"AccessDeniedException", "DecryptionFailure", "EncryptionFailure"}
_BUSY: Final = {"InternalServiceError", "InternalServiceErrorException", "ThrottlingException"}
_SERVER_FAULT: Final = 500
_KEYS: Final = (
    "Credentials come from where AWS keeps them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or the role of the machine."
)
_POLICY: Final = (
    "Allow secretsmanager:GetSecretValue, CreateSecret, PutSecretValue, UpdateSecretVersionStage "
    "and DeleteSecret on secrets of that prefix."
)


class AwsSecretsManager:
    """Secrets named `<prefix>/<name>`.

    A change is a new version that becomes the current one only if the version which it was made
    from still is: two writers on two machines lose nothing of each other's.

    Args:
        place: Prefix, region and endpoint.
    """

    name: ClassVar[str] = "aws"

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def where(self) -> str:
        """Service and prefix."""
        return f"AWS Secrets Manager ({self._place.prefix}/…)"

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret. See `SecretStore`."""
        return self._current(self._id(name))[0]

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Change some fields of a secret. See `SecretStore`."""
        key = self._id(name)
        for _ in range(_ATTEMPTS):
            known, version = self._current(key)
            changed = merged(known, fields)
            if changed == known or self._replace(key, version, changed):
                return
        raise UnreachableError(
            f"{key} in {self.where} is being changed by others all the time",
            cure="Run it again; make sure that no job runs many times at once.",
        )

    def delete(self, name: str) -> bool:
        """Remove a secret for good: it stays in no waste bin. See `SecretStore`."""
        key = self._id(name)
        if not self._current(key)[0]:
            return False
        with self._explained(key):
            self._client.delete_secret(SecretId=key, ForceDeleteWithoutRecovery=True)
        return True

    def _id(self, name: str) -> str:
        """The name there; characters that are not allowed are written as =XX."""
        safe = _UNSAFE.sub(_escaped, checked(name))
        return f"{self._place.prefix}/{safe}" if self._place.prefix else safe

    def _current(self, key: str) -> tuple[dict[str, str], str]:
        """Fields and version; nothing where there is no secret."""
        with self._explained(key):
            try:
                found = self._client.get_secret_value(SecretId=key, VersionStage=_CURRENT)
            except self._client.exceptions.ResourceNotFoundException:
                return {}, ""
        try:
            fields = json.loads(found.get("SecretString") or "")
            if not isinstance(fields, dict):
                raise TypeError
        except (ValueError, TypeError) as error:
            raise SecretError(
                f"{key} in {self.where} is no JSON object",
                cure="Choose another prefix with secrets.prefix, or mend the secret.",
            ) from error
        return {str(name): str(value) for name, value in fields.items()}, found["VersionId"]

    def _replace(self, key: str, version: str, fields: Mapping[str, str]) -> bool:
        """Make a new version the current one, unless somebody else was faster."""
        text, token = json.dumps(fields), str(uuid.UUID(int=random.SystemRandom().getrandbits(128)))
        with self._explained(key):
            try:
                if not version:
                    self._client.create_secret(
                        Name=key, SecretString=text, ClientRequestToken=token
                    )
                    return True
                made = self._client.put_secret_value(
                    SecretId=key,
                    SecretString=text,
                    ClientRequestToken=token,
                    VersionStages=[_NEXT],
                )
                self._client.update_secret_version_stage(
                    SecretId=key,
                    VersionStage=_CURRENT,
                    RemoveFromVersionId=version,
                    MoveToVersionId=made["VersionId"],
                )
            except (
                self._client.exceptions.ResourceExistsException,
                self._client.exceptions.InvalidParameterException,
                self._client.exceptions.ResourceNotFoundException,
            ):
                # made, changed or removed by somebody else since it was read
                return False
        return True

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigError(
                "AWS Secrets Manager needs boto3, which is not installed",
                field="secrets.store",
                cure="Install Segue with its extra: pip install 'segue[aws]'.",
            ) from error
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 4},
            user_agent_extra="segue",
        )
        try:
            region = self._place.region or os.environ.get("AWS_REGION") or None
            return boto3.Session(region_name=region).client(
                "secretsmanager", config=config, endpoint_url=self._place.endpoint_url or None
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(
                f"AWS Secrets Manager cannot be opened: {error}",
                field="secrets.region",
                cure="Check secrets.region, secrets.endpoint_url and the AWS_… variables.",
            ) from error

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Turn errors of boto3 into ours; of an answer only its code is told."""
        client = self._client
        from botocore import exceptions as boto

        try:
            yield
        except boto.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status >= _SERVER_FAULT or code in _BUSY:
                raise UnreachableError(
                    f"{self.where} is out of order ({code})", cure="Wait a little, run it again."
                ) from error
            cure = _POLICY if code in _FORBIDDEN else f"{_KEYS} {_POLICY}"
            raise SecretError(f"{self.where} refuses {key} ({code})", cure=cure) from error
        except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
            raise SecretError(f"there are no credentials for {self.where}", cure=_KEYS) from error
        except boto.BotoCoreError as error:
            raise UnreachableError(
                f"{self.where} does not answer ({type(error).__name__})",
                cure=f"Check the network and {client.meta.endpoint_url}.",
            ) from error


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in found[0].encode())
