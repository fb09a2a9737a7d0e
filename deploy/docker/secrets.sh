#!/bin/sh
# Makes the secrets of compose.yaml, each in a file of the folder secrets; what is there stays as it is.
#
# The folder is for its owner only. The files in it can be read by anybody who gets there, since in a
# container another user reads them.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 0700 secrets

random() { openssl rand -hex 24; }
token() { printf 'segue_%s_%s\n' "$(openssl rand -hex 6)" "$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')"; }
keep() { # NAME, then what makes it
    name=$1
    shift
    if [ -s "secrets/$name" ]; then return; fi
    "$@" > "secrets/.$name"
    chmod 0444 "secrets/.$name"
    mv "secrets/.$name" "secrets/$name"
    echo "made secrets/$name"
}
lightdash() {
    echo "LIGHTDASH_SECRET=$(random)"
    echo "PGPASSWORD=$(cat secrets/lightdash_password)"
    echo "S3_SECRET_KEY=$(cat secrets/results_password)"
}

for name in postgres build read lightdash results pgadmin grafana page; do keep "${name}_password" random; done
for name in admin metrics; do keep "${name}_token" token; done
keep lightdash.env lightdash
