"""Records as JSON: by msgspec where it is installed, else by what comes with Python.

A function on AWS that runs the package's code alone has only what Lambda's runtime brings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["decode", "encode"]


def _plain_encode(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


encode: Callable[[object], bytes]
"""Text of JSON without spaces, keys in order: equal values give equal bytes."""

decode: Callable[[bytes], Any]

try:
    import msgspec
except ImportError:
    encode, decode = _plain_encode, json.loads
else:
    encode = msgspec.json.Encoder(order="sorted").encode
    decode = msgspec.json.Decoder().decode
