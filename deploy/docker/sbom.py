"""Writes the bill of materials of an image: every Python package in it, and every one of Debian.

sbom.py CYCLONEDX PYTHON OUT: CycloneDX's own program, the environment's Python, the file to write.
"""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote


def debian() -> list[dict[str, str]]:
    """Components for what dpkg has installed."""
    asked = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\n"]
    lines = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    return [
        {
            "type": "library",
            "bom-ref": f"deb/{name}/{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}",
        }
        for name, version, architecture in (line.split() for line in lines)
    ]


def main(cyclonedx: str, python: str, out: str) -> None:
    """Write it."""
    made = [cyclonedx, "environment", "--output-reproducible", "--output-format", "JSON", python]
    told = subprocess.run(made, check=True, capture_output=True, text=True).stdout
    bill = json.loads(told)
    bill["components"] = [*bill.get("components", ()), *debian()]
    Path(out).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
