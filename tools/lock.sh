#!/bin/sh
# Writes the lock files in requirements/ anew from pyproject.toml: versions and hashes only.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --upgrade "$@"; }
compile --group installer -o requirements/installer.txt
compile --group build pyproject.toml -o requirements/runtime.txt
compile --group build --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
