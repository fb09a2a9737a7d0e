"""`python -m bench [import] [journey]`: run the benchmarks and print their tables."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import import_speed, journey

BENCHMARKS: dict[str, Callable[[], list[str]]] = {
    "import": import_speed.run,
    "journey": journey.run,
}


def main() -> None:
    """Run the named benchmarks, or all of them."""
    for name in sys.argv[1:] or BENCHMARKS:
        print(f"\n## {name}\n", flush=True)
        print("\n".join(BENCHMARKS[name]()), flush=True)


main()
