"""Marks of users who were forgotten, beside the profiles in DynamoDB: when, and not who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from segue.aws.clients import Aws
from segue.music.forgotten import FORGOTTEN, mark_of

__all__ = ["SINCE", "ForgottenMarks", "key_of", "microseconds"]

SINCE: Final = "since_us"
"""What an item that is a mark holds: microseconds since 1970."""

_SERVICE: Final = "DynamoDB"
_BEFORE: Final = f"{FORGOTTEN}#"
_HEX: Final = "0123456789abcdef"
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_COUNTER: Final[dict[str, Any]] = {"user_id": {"S": FORGOTTEN}, "sk": {"S": FORGOTTEN}}


class ForgottenMarks:
    """In the table of profiles, under sort keys that no item of a user has.

    Args:
        aws: How to reach DynamoDB.
        table: Its name.
    """

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws = aws
        self._table = table

    def put(self, user_id: str, now: datetime) -> None:
        """Mark a user as forgotten; a later mark stays.

        Raises:
            ServiceDownError: Not now.
        """
        client, since = self._aws.client("dynamodb"), str(microseconds(now))
        with self._aws.explained(_SERVICE, "mark a user as forgotten"):
            try:
                client.put_item(
                    TableName=self._table,
                    Item={**key_of(user_id), SINCE: {"N": since}},
                    ConditionExpression=f"attribute_not_exists(sk) OR {SINCE} < :s",
                    ExpressionAttributeValues={":s": {"N": since}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                return  # forgotten later than that already

    def count(self) -> None:
        """Note that somebody was forgotten: who remembers users looks at `times`."""
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "note that somebody was forgotten"):
            client.update_item(
                TableName=self._table,
                Key=_COUNTER,
                UpdateExpression="ADD #n :one",
                ExpressionAttributeNames={"#n": "times"},
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    def times(self) -> int:
        """How often somebody was forgotten; it only grows."""
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "tell whether somebody was forgotten"):
            found = client.get_item(TableName=self._table, Key=_COUNTER)
        return int(found.get("Item", {}).get("times", {"N": "0"})["N"])

    def since(self, mark: str) -> datetime | None:
        """When the user of a mark was forgotten, aware UTC; None: never."""
        client = self._aws.client("dynamodb")
        with self._aws.explained(_SERVICE, "tell whether somebody was forgotten"):
            found = client.get_item(
                TableName=self._table, Key=_key_of_mark(mark), ConsistentRead=True
            ).get("Item")
        return None if found is None else _1970 + int(found[SINCE]["N"]) * _MICROSECOND

    def behind(self, after: str, limit: int) -> tuple[str, ...]:
        """Marks behind one, in their order."""
        client, found = self._aws.client("dynamodb"), list[str]()
        for place in _HEX[_HEX.index(after[0]) if after else 0 :]:
            with self._aws.explained(_SERVICE, "list who was forgotten"):
                page = client.query(
                    TableName=self._table,
                    KeyConditionExpression="user_id = :p AND sk > :a",
                    ExpressionAttributeValues={
                        ":p": {"S": f"{_BEFORE}{place}"},
                        ":a": {"S": f"{_BEFORE}{after}"},
                    },
                    Limit=limit,
                )
            found += [one["sk"]["S"].removeprefix(_BEFORE) for one in page["Items"]]
            if len(found) >= limit:
                break
        return tuple(found[:limit])


def key_of(user_id: str) -> dict[str, Any]:
    """The key of a user's mark."""
    return _key_of_mark(mark_of(user_id))


def microseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _1970) // _MICROSECOND


def _key_of_mark(mark: str) -> dict[str, Any]:
    """Marks lie in sixteen partitions, for every batch of events of a user asks about one."""
    return {"user_id": {"S": f"{_BEFORE}{mark[0]}"}, "sk": {"S": f"{_BEFORE}{mark}"}}
