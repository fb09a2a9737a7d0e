#!/bin/sh
# Writes the lock files in requirements/ anew from pyproject.toml: versions and hashes only.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --upgrade "$@"; }
compile --group installer -o requirements/installer.txt
compile --group build pyproject.toml -o requirements/runtime.txt
# dbt-snowflake wants an older certifi; all else is the same as what is installed without it
sed -e '/^ /d' -e 's/ *\\$//' -e '/^certifi==/d' requirements/runtime.txt > requirements/.pins
compile --group build --group dev --extra aws --extra snowflake -c requirements/.pins pyproject.toml \
    -o requirements/dev.txt
# images of deploy/docker: the same versions as what is tested
sed -e '/^ /d' -e 's/ *\\$//' -e '/^certifi==/d' requirements/dev.txt > requirements/.pins
compile --group image-build -c requirements/.pins -o requirements/image-build.txt
compile --group image-api -c requirements/.pins -o requirements/image-api.txt
set -- --extra aws --extra notifications --extra postgresql
compile "$@" -c requirements/.pins pyproject.toml -o requirements/image-worker.txt
compile "$@" --extra snowflake -c requirements/.pins pyproject.toml -o requirements/image-full.txt
rm requirements/.pins
compile --group fakesnow -o requirements/fakesnow.txt
compile --group cdk -o requirements/cdk.txt
# the image of deploy/aws: the same versions as what is tested; hatchling builds the package itself
sed -e '/^ /d' -e 's/ *\\$//' -e '/^certifi==/d' requirements/dev.txt > requirements/.pins
compile --group build --extra lambda --extra snowflake -c requirements/.pins pyproject.toml \
    -o requirements/image-lambda.txt
rm requirements/.pins
