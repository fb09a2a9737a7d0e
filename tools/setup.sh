#!/bin/sh
# Makes .venv with the locked dependencies: `tools/setup.sh runtime`, `dev`, or `cdk` (to deploy on AWS).
# Needs Python 3.11, 3.12 or 3.13 and the package index; no root, no account.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-runtime}
venv=${VENV:-.venv}
lock=requirements/$kind.txt
if [ "$kind" = cdk ]; then lock=requirements/runtime.txt; fi

usable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && usable "$name"; then echo "$name"; return; fi
    done
    echo "Segue needs Python 3.11, 3.12 or 3.13, and none was found." >&2
    echo "Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2
    exit 1
}

make_venv() {
    python=$(find_python)
    echo "setup: making $venv with $("$python" -V)"
    if ! "$python" -m venv --clear "$venv" 2>"$venv.log"; then
        cat "$venv.log" >&2
        echo "Python could not make a virtual environment." >&2
        echo "On Debian and Ubuntu the package python3-venv holds what is missing." >&2
        rm -rf "$venv" "$venv.log"
        exit 1
    fi
    rm -f "$venv.log"
}

# What is installed is remembered, so that a second run costs nothing.
wanted=$(cat requirements/*.txt pyproject.toml tools/setup.sh | cksum)
stamped() { [ "$(cat "$venv/segue-$1.stamp" 2>/dev/null)" = "$wanted" ]; }
if [ -x "$venv/bin/segue" ] && { stamped "$kind" || stamped dev; }; then exit 0; fi

if ! [ -x "$venv/bin/python" ] || ! usable "$venv/bin/python"; then make_venv; fi
rm -f "$venv"/segue-*.stamp
quiet="--quiet --disable-pip-version-check"

# uv installs the same locked files in seconds; where it cannot reach the index, pip does it.
echo "setup: installing $(grep -c '==' "$lock") locked packages"
"$venv/bin/python" -m pip install $quiet --require-hashes -r requirements/installer.txt || true
if ! UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" \
    --compile-bytecode --require-hashes -r "$lock"; then
    echo "setup: trying again with pip"
    "$venv/bin/python" -m pip install $quiet --require-hashes -r "$lock"
fi
"$venv/bin/python" -m pip install $quiet --no-deps --no-build-isolation --editable .

# What wants other versions than Segue has an environment of its own: make_aside NAME.
make_aside() {
    aside=$venv-$1
    UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" venv --quiet --clear --python "$venv/bin/python" "$aside" &&
        UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" pip install --quiet --python "$aside/bin/python" \
            --compile-bytecode --require-hashes -r "requirements/$1.txt" && return
    "$venv/bin/python" -m venv --clear "$aside" &&
        "$aside/bin/python" -m pip install $quiet --require-hashes -r "requirements/$1.txt"
}
# fakesnow stands in for Snowflake; cdk holds the AWS CDK, Node.js, and what looks at templates.
if [ "$kind" = dev ]; then
    for name in fakesnow cdk; do
        make_aside "$name" && continue
        rm -rf "$venv-$name"
        echo "setup: $name cannot be installed; the tests that need it will be skipped" >&2
    done
elif [ "$kind" = cdk ]; then
    make_aside cdk
fi
# Some tests want a program of the system: Debian's, where the system lets us install it.
program() { # program() NAME PACKAGE
    command -v "$1" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null 2>&1 || return 1
    root=""
    if [ "$(id -u)" != 0 ]; then sudo -n true 2>/dev/null || return 1; root="sudo -n"; fi
    echo "setup: installing $2"
    { $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        $root apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null 2>&1
}
if [ "$kind" = dev ] && ! program chromium chromium; then
    echo "setup: chromium cannot be installed; tests of the page will be skipped" >&2
fi
if [ "$kind" = dev ] && ! program java default-jre-headless; then
    echo "setup: Java cannot be installed; tests of Spark will be skipped" >&2
fi
# kustomize puts the files of Kubernetes together. Debian has it from its 13th release on; before that, the program of
# that release, which runs on older ones, is put beside the environment: nothing of the system changes.
next_debian() ( # next_debian PACKAGE FOLDER
    . /etc/os-release
    [ "${ID:-}" = debian ] && mkdir -p "$2/lists/partial" "$2/cache/archives/partial" && cd "$2" || exit 1
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
        sed -n "s|^\([^ ]*\) $VERSION_CODENAME main\$|deb [signed-by=$keys] \1 trixie main|p" | head -n 1 > sources.list
    [ -s sources.list ] || exit 1
    for setting in "Etc::SourceList $PWD/sources.list" "Etc::SourceParts /dev/null" "State::Lists $PWD/lists" "Cache $PWD/cache"; do
        echo "Dir::${setting%% *} \"${setting#* }\";"
    done > apt.conf
    export APT_CONFIG="$PWD/apt.conf"
    apt-get -qq update && apt-get -qq download "$1" && dpkg-deb -x "$1"_*.deb . && rm -rf lists cache apt.conf sources.list "$1"_*.deb
)
kustomize_is_there() {
    for name in kustomize kubectl; do command -v "$name" >/dev/null 2>&1 && return; done
    if [ -x "$venv-kustomize/usr/bin/kustomize" ]; then return; fi
    program kustomize kustomize && return
    rm -rf "$venv-kustomize"
    echo "setup: fetching kustomize"
    next_debian kustomize "$venv-kustomize" >/dev/null 2>&1 && "$venv-kustomize/usr/bin/kustomize" version >/dev/null
}
if [ "$kind" = dev ] && ! kustomize_is_there; then
    rm -rf "$venv-kustomize"
    echo "setup: kustomize cannot be installed; tests of Kubernetes will be skipped" >&2
fi
"$venv/bin/python" -m compileall -q src/segue || true # the first command starts as fast as the next
printf '%s' "$wanted" > "$venv/segue-$kind.stamp"
echo "setup: done; try $venv/bin/segue --help"
