"""Events as AWS hands them to functions; their shapes are those of the Lambda Developer Guide."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["kinesis_event", "proxy_event", "scheduled_event"]

_STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/"


def kinesis_event(
    records: Iterable[Mapping[str, Any]], *, shard: str = "shardId-000000000000", stream: str = "s"
) -> dict[str, Any]:
    """What an event source mapping hands over.

    Args:
        records: As GetRecords answers them.
    """
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": one["PartitionKey"],
                    "sequenceNumber": one["SequenceNumber"],
                    "data": base64.b64encode(one["Data"]).decode(),
                    "approximateArrivalTimestamp": one["ApproximateArrivalTimestamp"].timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard}:{one['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/segue",
                "awsRegion": "us-east-1",
                "eventSourceARN": _STREAM + stream,
            }
            for one in records
        ]
    }


def proxy_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: object = None,
    key_id: str | None = "k3y1d",
) -> dict[str, Any]:
    """What a REST API hands over with its proxy integration (payload version 1.0).

    Args:
        query: As in the address: user_id=ann&k=3
        body: Sent as JSON; None: nothing is sent.
        key_id: Of the API key that API Gateway has found in its own list.
    """
    sent = {"Host": "abc123.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https"}
    sent |= {"X-Forwarded-For": "203.0.113.7", "Accept": "*/*", **(headers or {})}
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    pairs = parse_qsl(query, keep_blank_values=True)
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": many or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": sent["Host"],
            "extendedRequestId": "IeR-6Fe2oAMFqYQ=",
            "httpMethod": method,
            "identity": {
                "apiKeyId": key_id,
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8",
            },
            "path": f"/v1{path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(datetime.now(tz=UTC).timestamp() * 1000),
            "resourceId": "a1b2c3",
            "resourcePath": "/{proxy+}",
            "stage": "v1",
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def scheduled_event(told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What EventBridge Scheduler hands over: the target's input, or its own event without one."""
    if told is not None:
        return dict(told)
    nothing: Sequence[str] = ()
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [*nothing, "arn:aws:scheduler:us-east-1:123456789012:schedule/segue/daily"],
        "detail": "{}",
    }
