#!/bin/sh
# Removes from an environment what no program of it reads: tests, headers, parts of Arrow that nothing
# here imports. Then writes bytecode of what the service imports, for images are read-only.
#   slim.sh PYTHON FLAVOUR
set -eu
python=$1
flavour=$2
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

rm -rf "$site"/pyarrow/include "$site"/pyarrow/includes "$site"/pyarrow/src
rm -f "$site"/pyarrow/_flight.* "$site"/pyarrow/libarrow_flight.so* "$site"/pyarrow/libarrow_python_flight.so*
# the wheel has each of these under three names; programs are linked to the middle one
for real in "$site"/pyarrow/libarrow_python*.so.*00; do
    for name in "${real%.so.*}.so" "$real".*.*; do
        if cmp -s "$name" "$real"; then ln -sf "$(basename "$real")" "$name"; fi
    done
done
# of AWS's hundreds of services those that it speaks to, and signs in with
if [ "$flavour" = api ]; then
    find "$site/botocore/data" -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name 'sso*' ! -name signin ! -name secretsmanager ! -name sns ! -name sqs \
        ! -name kinesis ! -name dynamodb ! -name 'personalize*' -exec rm -rf {} +
fi
for library in gensim implicit narwhals networkx numpy pyarrow scipy; do # of others, such as dbt, tests are a part
    if [ -d "$site/$library" ]; then find "$site/$library" -type d -name tests -prune -exec rm -rf {} +; fi
done
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' \) -delete
find "$site" -name __pycache__ -prune -exec rm -rf {} +

# both import what they need in functions, so that their commands begin soon
"$python" - <<'PYTHON'
import importlib
import pkgutil

rooms = ("access", "doors.cli", "doors.http", "doors.web", "events", "flows.online")
for room in (f"segue.{name}" for name in rooms):
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
for name in (
    "duckdb", "httptools", "implicit.cpu.als", "lightgbm", "psycopg", "pyarrow.dataset",
    "pyarrow.parquet", "scipy.sparse", "uvloop",
):
    importlib.import_module(name)
PYTHON
"$python" -m compileall -q "$site/segue"
