#!/bin/sh
# Removes from an environment what no function reads: tests, headers, AWS's other services. Then writes
# bytecode, for a function's file system is read-only.
#   slim.sh PYTHON
set -eu
python=$1
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

find "$site/botocore/data" -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sts ! -name 'sso*' ! -name secretsmanager ! -name sns ! -name sqs ! -name kinesis \
    ! -name dynamodb ! -name 'personalize*' -exec rm -rf {} +
rm -rf "$site"/pyarrow/include "$site"/pyarrow/includes "$site"/pyarrow/src
rm -f "$site"/pyarrow/_flight.* "$site"/pyarrow/libarrow_flight.so* "$site"/pyarrow/libarrow_python_flight.so*
find "$site" -type d -name tests -not -path "$site/segue/*" -prune -exec rm -rf {} +
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.hpp' \) -delete
find "$site" -name __pycache__ -prune -exec rm -rf {} +
"$python" -m compileall -q -j 0 "$site" || true # what some packages carry for other Pythons is left
"$python" -c 'import segue.doors.aws.collect, segue.doors.aws.sync, segue.doors.aws.update'
