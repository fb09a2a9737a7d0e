"""What errors of AWS mean for somebody at a keyboard."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto

from segue.aws.clients import Aws
from segue.errors import ConfigError, ServiceDownError, ServiceError


def refusal(code: str, status: int = 400) -> boto.ClientError:
    told = {"Error": {"Code": code, "Message": "so be it"}}
    return boto.ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, "Ask")


def explained(error: Exception) -> tuple[type[Exception], str]:
    with (
        pytest.raises((ConfigError, ServiceError)) as found,
        Aws().explained("DynamoDB", "look for a user"),
    ):
        raise error
    return type(found.value), f"{found.value.message} {found.value.cure}"


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AccessDeniedException", "Allow it to the role"),
        ("ExpiredTokenException", "sign in anew"),
        ("UnrecognizedClientException", "sign in anew"),
        ("ResourceNotFoundException", "Check the name, the region and the account"),
        ("AWS.SimpleQueueService.NonExistentQueue", "Check the name, the region and the account"),
        ("ValidationException", "Mend what it says"),
    ],
)
def test_a_refusal_says_what_helps(code: str, cure: str) -> None:
    kind, said = explained(refusal(code))
    assert kind is ServiceError
    assert cure in said


@pytest.mark.parametrize("code", ["SlowDown", "RequestLimitExceeded", "KMSThrottlingException"])
def test_what_passes_is_temporary(code: str) -> None:
    assert explained(refusal(code))[0] is ServiceDownError
    assert explained(refusal("Whatever", 503))[0] is ServiceDownError


def test_what_the_machine_lacks_is_no_fault_of_the_network() -> None:
    for error in (
        boto.NoCredentialsError(),
        boto.UnauthorizedSSOTokenError(),
        boto.CredentialRetrievalError(provider="process", error_msg="it failed"),
        boto.ParamValidationError(report="Invalid length for parameter TableName"),
    ):
        assert explained(error)[0] is ConfigError
    assert explained(boto.EndpointConnectionError(endpoint_url="x"))[0] is ServiceDownError
