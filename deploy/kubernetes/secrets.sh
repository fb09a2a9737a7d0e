#!/bin/sh
# Makes the secrets of an overlay, each in a file of its folder `secrets`; what is there stays as it is.
#   secrets.sh minikube
#   secrets.sh cloud postgresql://segue_build:PASSWORD@db.example.org/segue?sslmode=verify-full
set -eu
overlay=${1:?minikube or cloud}
url=${2:-}
cd "$(dirname "$0")/overlays/$overlay"
umask 077
mkdir -p secrets

random() { openssl rand -hex 24; }
token() { printf 'segue_%s_%s' "$(openssl rand -hex 6)" "$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')"; }
keep() { # NAME, then what makes it
    name=$1
    shift
    if [ -s "secrets/$name" ]; then return; fi
    "$@" > "secrets/.$name"
    mv "secrets/.$name" "secrets/$name"
    echo "made overlays/$overlay/secrets/$name"
}

if [ "$overlay" = minikube ]; then
    keep postgres_password random
    url="postgresql://segue:$(cat secrets/postgres_password)@postgresql/segue"
elif [ -z "$url" ] && ! [ -s secrets/service_url ]; then
    echo "secrets.sh: give the address of PostgreSQL: secrets.sh $overlay postgresql://…" >&2
    exit 2
fi
keep service_url printf %s "$url"
keep page_password random
for name in admin metrics; do keep "${name}_token" token; done
