"""Many profiles read from DynamoDB at once, for work on all users."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from segue.aws.clients import Aws
from segue.errors import ServiceDownError

__all__ = ["ProfileReader"]

_SERVICE: Final = "DynamoDB"
_KEY: Final = "profile"
_AT_ONCE: Final = 100
_SIDE_BY_SIDE: Final = 8
_ATTEMPTS: Final = 8


class ProfileReader:
    """Reads what `ProfileTable` wrote; a profile may be some seconds old.

    Args:
        aws: How to reach DynamoDB.
        table: Its name.
        sleep: Waits some seconds.
    """

    def __init__(self, aws: Aws, table: str, *, sleep: Callable[[float], None]) -> None:
        self._aws = aws
        self._table = table
        self._sleep = sleep
        self._chance = random.Random()  # noqa: S311 - spreads attempts, keeps no secret

    def read(self, user_ids: Sequence[str]) -> Mapping[str, bytes]:
        """User -> the record of their profile, of those who have one.

        Raises:
            ServiceDownError: DynamoDB has too much to do.
        """
        groups = [user_ids[start : start + _AT_ONCE] for start in range(0, len(user_ids), _AT_ONCE)]
        found: dict[str, bytes] = {}
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for part in pool.map(self._group, groups):
                found |= part
        return found

    def _group(self, user_ids: Sequence[str]) -> dict[str, bytes]:
        client, found = self._aws.client("dynamodb"), dict[str, bytes]()
        keys = [{"user_id": {"S": one}, "sk": {"S": _KEY}} for one in user_ids]
        wanted: dict[str, Any] = {self._table: {"Keys": keys}}
        for attempt in range(_ATTEMPTS):
            with self._aws.explained(_SERVICE, "read profiles"):
                answer = client.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(self._table, ()):
                found[item["user_id"]["S"]] = zlib.decompress(item["record"]["B"])
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                return found
            self._sleep(self._chance.uniform(0, 0.05 * 2**attempt))
        raise ServiceDownError(
            "DynamoDB has too much to do",
            service=_SERVICE,
            cure="Run it again later: it goes on where it stands.",
        )
