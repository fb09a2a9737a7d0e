#!/bin/sh
# Removes from an environment what no function reads: tests, headers, AWS's other services, other
# languages, what only a server or a graphics card wants. Then writes bytecode, for a function's file
# system is read-only.
#   slim.sh PYTHON
set -eu
python=$1
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

find "$site/botocore/data" -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sts ! -name 'sso*' ! -name secretsmanager ! -name sns ! -name sqs ! -name kinesis \
    ! -name dynamodb ! -name apigateway ! -name 'personalize*' -exec rm -rf {} +
find "$site/babel/locale-data" -type f ! -name 'en*' ! -name root.dat -delete
rm -rf "$site"/pyarrow/include "$site"/pyarrow/includes "$site"/pyarrow/src
rm -f "$site"/pyarrow/_flight.* "$site"/pyarrow/libarrow_flight.so* "$site"/pyarrow/libarrow_python_flight.so*
# the wheel has each of these under three names; programs are linked to the middle one
for real in "$site"/pyarrow/libarrow_python*.so.*00; do
    for name in "${real%.so.*}.so" "$real".*.*; do
        if cmp -s "$name" "$real"; then ln -sf "$(basename "$real")" "$name"; fi
    done
done
rm -rf "$site"/implicit/gpu/_cuda* "$site"/uvloop "$site"/httptools "$site"/watchfiles "$site"/websockets
rm -rf "$site"/gensim/test
# of others, such as dbt, tests are a part
for library in gensim implicit narwhals networkx numpy pyarrow scipy; do
    find "$site/$library" -type d -name tests -prune -exec rm -rf {} +
done
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.hpp' \) -delete
find "$site" -name __pycache__ -prune -exec rm -rf {} +
"$python" -m compileall -q -j 0 "$site" || true # what some packages carry for other Pythons is left

"$python" - <<'PYTHON'
import importlib

handlers = ("collect", "datasets", "hot", "profiles", "serve", "sync", "update")
for name in (*(f"segue.doors.aws.{handler}" for handler in handlers),
             "dbt.adapters.duckdb", "dbt.adapters.snowflake", "dbt.cli.main", "gensim.models", "implicit.cpu.als",
             "lightgbm", "pyarrow.dataset", "pyarrow.parquet", "scipy.sparse", "snowflake.connector", "vl_convert"):
    importlib.import_module(name)
PYTHON
