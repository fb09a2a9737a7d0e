#!/bin/sh
# Databases and roles of compose.yaml, made when the server starts for the first time: who builds the
# marts and keeps events, who may read the marts, and Lightdash's own database. The same as in
# docs/warehouse.md. Passwords are in files, so that no list of processes shows them.
set -eu
export SECRETS="${SECRETS:-/run/secrets}"
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set build `cat "$SECRETS/build_password"`
\set read `cat "$SECRETS/read_password"`
\set lightdash `cat "$SECRETS/lightdash_password"`
create role segue_build login password :'build';
create role segue_read login password :'read';
create role lightdash login password :'lightdash';
create database segue encoding 'UTF8' template template0;
create database lightdash owner lightdash encoding 'UTF8' template template0;
revoke all on database segue from public;
revoke all on database lightdash from public;
grant connect, temporary on database segue to segue_build;
grant connect on database segue to segue_read;
\connect segue
revoke all on schema public from public;
create schema raw authorization segue_build;
create schema intermediate authorization segue_build;
create schema marts authorization segue_build;
create schema live authorization segue_build;
grant usage on schema marts to segue_read;
alter default privileges for role segue_build in schema marts grant select on tables to segue_read;
\connect lightdash
create extension if not exists "uuid-ossp";
SQL
