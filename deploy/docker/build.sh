#!/bin/sh
# Builds an image of Segue.
#   deploy/docker/build.sh [api|worker|full|lambda] [NAME:TAG]      default: worker segue:FLAVOUR
#
# `lambda` is that of AWS Lambda's functions, deploy/aws/image/Dockerfile.
# With buildah where it is installed, else with docker. Variables:
#   BASE_IMAGE, BASE_DIGEST   another base; BASE_IMAGE=debootstrap makes one (as root, with buildah),
#                             where no registry of images can be reached
#   ARCH                      another processor than this machine's (amd64, arm64); the kernel has to run its
#                             programs, as it does with Debian's qemu-user-static and binfmt-support
#   BUILD_CA                  file of certificates that packages are fetched with
#   ISOLATION                 of buildah's containers; default chroot, which needs no privileges to speak of
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
flavour=${1:-worker}
case $flavour in
api | worker | full) file=$here/Dockerfile ;;
lambda) file=$repository/deploy/aws/image/Dockerfile ;;
*) echo "build.sh: there is no “$flavour”: api, worker, full, lambda" >&2; exit 2 ;;
esac
name=${2:-segue:$flavour}
ca=${BUILD_CA:-/dev/null}

if [ "${BASE_IMAGE:-}" = debootstrap ]; then
    BASE_IMAGE=localhost/segue-base:trixie${ARCH:+"-$ARCH"}
    BASE_DIGEST=
    if ! buildah inspect --type image "$BASE_IMAGE" > /dev/null 2>&1; then "$here/base.sh" "$BASE_IMAGE" trixie; fi
fi

set -- --file "$file" --secret "id=ca,src=$ca" \
    --build-arg "VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' "$repository/pyproject.toml")" \
    --build-arg "REVISION=$(git -C "$repository" rev-parse HEAD 2> /dev/null || echo unknown)" \
    --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" --tag "$name"
if [ "$flavour" != lambda ]; then set -- "$@" --build-arg "FLAVOUR=$flavour"; fi
if [ -n "${ARCH:-}" ]; then set -- "$@" --platform "linux/$ARCH"; fi
if [ -n "${BASE_IMAGE+set}" ]; then set -- "$@" --build-arg "BASE_IMAGE=$BASE_IMAGE"; fi
if [ -n "${BASE_DIGEST+set}" ]; then set -- "$@" --build-arg "BASE_DIGEST=$BASE_DIGEST"; fi

if command -v buildah > /dev/null 2>&1; then
    # docker's format: that of OCI has no healthcheck
    buildah build --layers --isolation "${ISOLATION:-chroot}" --format docker --ignorefile "$file.dockerignore" \
        "$@" "$repository"
else
    DOCKER_BUILDKIT=1 docker build "$@" "$repository"
fi
