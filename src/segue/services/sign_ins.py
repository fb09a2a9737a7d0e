"""Who is signed in where, since when and for how long: facts that are no secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from segue.services.state_file import StateFile
from segue.sqlite import microseconds, moment

__all__ = ["SignInFacts", "SignIns"]


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """One sign-in.

    Args:
        user_id: Segue's user.
        account: Who that is at the service, as its id says.
        scopes: What Segue may do there.
        authorised_at: When the user said yes; None: nobody knows (a token from elsewhere).
        expires_at: When that ends, whatever is done; None: nobody knows.
        ended: Why it has ended already; empty: it has not.
    """

    user_id: str
    account: str
    scopes: tuple[str, ...]
    authorised_at: datetime | None
    expires_at: datetime | None
    ended: str = ""

    def left(self, now: datetime) -> timedelta | None:
        """How long it still lasts; None: nobody knows."""
        if self.ended:
            return timedelta(0)
        return None if self.expires_at is None else max(timedelta(0), self.expires_at - now)

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """JSON-ready values."""
        left = self.left(now)
        return {
            "user": self.user_id,
            "account": self.account,
            "scopes": list(self.scopes),
            "authorised_at": _iso(self.authorised_at),
            "expires_at": _iso(self.expires_at),
            "days_left": None if left is None else left.days,
            "ended": self.ended,
        }


class SignIns:
    """The sign-ins of one service, in the home's state file; secrets are kept elsewhere."""

    def __init__(self, state: StateFile, service: str) -> None:
        self._state = state
        self._service = service

    def all(self) -> Sequence[SignInFacts]:
        """Every sign-in, by user."""
        return self._found("order by user_id")

    def of(self, user_id: str) -> SignInFacts | None:
        """The sign-in of one user; None: there was none."""
        found = self._found("and user_id = ?", user_id)
        return found[0] if found else None

    def keep(self, facts: SignInFacts) -> None:
        """Note a sign-in in place of an older one."""
        row = (
            self._service,
            facts.user_id,
            facts.account,
            " ".join(facts.scopes),
            _us(facts.authorised_at),
            _us(facts.expires_at),
            facts.ended,
        )
        with self._state.writing() as db:
            db.execute("insert or replace into sign_ins values (?, ?, ?, ?, ?, ?, ?)", row)

    def end(self, user_id: str, why: str) -> None:
        """Note that a sign-in is good no more, also one that was made elsewhere."""
        with self._state.writing() as db:
            db.execute(
                "insert into sign_ins values (?, ?, '', '', null, null, ?)"
                " on conflict (service, user_id) do update set ended = excluded.ended",
                (self._service, user_id, why),
            )

    def remove(self, user_id: str) -> bool:
        """Forget a sign-in, and how far things were read for it; whether there was one."""
        with self._state.writing() as db:
            db.execute(
                "delete from marks where service = ? and user_id = ?", (self._service, user_id)
            )
            gone = db.execute(
                "delete from sign_ins where service = ? and user_id = ?", (self._service, user_id)
            )
            return gone.rowcount > 0

    def mark(self, user_id: str, name: str) -> str | None:
        """How far something was read; None: never."""
        if not self._state.exists:
            return None
        with self._state.reading() as db:
            found = db.execute(
                "select value from marks where service = ? and user_id = ? and name = ?",
                (self._service, user_id, name),
            ).fetchone()
        return None if found is None else str(found[0])

    def set_mark(self, user_id: str, name: str, value: str) -> None:
        """Note how far something was read."""
        with self._state.writing() as db:
            db.execute(
                "insert or replace into marks values (?, ?, ?, ?)",
                (self._service, user_id, name, value),
            )

    def _found(self, rest: str, *values: str) -> list[SignInFacts]:
        if not self._state.exists:
            return []
        with self._state.reading() as db:
            rows = db.execute(
                "select user_id, account, scope, authorised_us, expires_us, ended from sign_ins"
                f" where service = ? {rest}",
                (self._service, *values),
            ).fetchall()
        return [
            SignInFacts(
                user_id=user,
                account=account,
                scopes=tuple(scope.split()),
                authorised_at=_moment(authorised),
                expires_at=_moment(expires),
                ended=ended,
            )
            for user, account, scope, authorised, expires, ended in rows
        ]


def _us(when: datetime | None) -> int | None:
    return None if when is None else microseconds(when)


def _moment(us: int | None) -> datetime | None:
    return None if us is None else moment(us)


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
