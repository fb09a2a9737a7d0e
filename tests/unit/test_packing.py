"""Pages go packed to other machines, and as they are within this one."""

from __future__ import annotations

import gzip

import pytest

from segue.doors.http.call import Reply
from segue.doors.web.packing import packed, wants_packing

GZIP = {b"accept-encoding": b"gzip, br"}


@pytest.mark.parametrize(
    ("client", "headers", "wanted"),
    [
        ("192.168.1.7", GZIP, True),
        ("192.168.1.7", {}, False),
        ("127.0.0.1", GZIP, False),
        ("::1", GZIP, False),
        ("127.0.0.1", {**GZIP, b"x-forwarded-for": b"1.2.3.4"}, True),
        ("", GZIP, True),
    ],
)
def test_only_what_leaves_the_machine_is_packed(
    client: str, headers: dict[bytes, bytes], wanted: bool
) -> None:
    assert wants_packing(headers, {"client": (client, 1)}) is wanted
    assert wants_packing(headers, {"client": None}) is (b"accept-encoding" in headers)


def test_it_is_the_same_unpacked_and_its_size_tells_little() -> None:
    body = b"<p>" + b"words of a page " * 500
    first = (b"cache-control", b"no-store")
    replies = [packed(Reply(body, 200, b"text/html; charset=utf-8", (first,))) for _ in range(20)]
    assert all(gzip.decompress(one.body) == body for one in replies)
    assert all(len(one.body) < len(body) / 10 for one in replies)
    assert len({len(one.body) for one in replies}) > 3
    assert replies[0].headers[0] == first
    assert (b"content-encoding", b"gzip") in replies[0].headers


@pytest.mark.parametrize(("body", "kind"), [(b"short", b"text/html"), (b"x" * 9_000, b"image/png")])
def test_what_would_gain_nothing_stays_as_it_is(body: bytes, kind: bytes) -> None:
    reply = packed(Reply(body, 200, kind))
    assert (reply.body, reply.headers) == (body, ())
