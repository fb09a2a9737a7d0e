#!/bin/sh
# Makes a base for the images by debootstrap, where no registry of images can be reached.
#   base.sh NAME [SUITE]      as root; DEBIAN_MIRROR names another mirror than debootstrap's own,
#                             ARCH another processor, as Debian calls it
# The image is NAME in buildah's store: Debian, its Python, and what the Dockerfile asks for.
set -eu
name=$1
suite=${2:-trixie}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase ${ARCH:+"--arch=$ARCH"} \
    --include=ca-certificates,libgomp1,python3,python3-venv,tini,tzdata "$suite" "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} \
    > "$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
# as the slim images of Debian have it: no documentation but licences, no other languages
find "$root/usr/share/doc" -depth -type f ! -name copyright -delete
find "$root/usr/share/doc" -depth -type d -empty -delete
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 ! -name 'en*' ! -name locale.alias -exec rm -rf {} +
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
    "$root"/var/log/* "$root"/var/cache/debconf/*-old "$root"/var/cache/ldconfig/*
find "$root/usr/lib" -name __pycache__ -prune -exec rm -rf {} +

container=$(buildah from ${ARCH:+"--arch=$ARCH"} scratch)
buildah add --quiet "$container" "$root" / > /dev/null
buildah config --cmd /bin/sh --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet --rm --format docker "$container" "$name" > /dev/null
