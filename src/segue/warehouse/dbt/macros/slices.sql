{#
  A full build on DuckDB makes models of plays a few users at a time: what a join or a sort of some
  million plays holds stays in memory, where that of a hundred million would be written to the disk,
  many times as large as the plays. What is kept between builds is put in the order of its users, so
  that a build of changes need not read the rows of others.

  A model with `meta={'in_slices': true}` says of each user what follows from this user's plays alone.
  It reads them through `in_slice`; which users these are, two variables of the connection say.
#}

{% macro in_slice(column) %}{{ return(adapter.dispatch('in_slice')(column)) }}{% endmacro %}
{% macro default__in_slice(column) %}{{ return('1 = 1') }}{% endmacro %}
{% macro duckdb__in_slice(column) -%}
{%- if model.resource_type == 'unit_test' or flags.WHICH == 'compile' -%}
1 = 1
{%- else -%}
{{ column }} >= coalesce(cast(getvariable('first_user') as varchar), '')
and {{ column }} <= coalesce(cast(getvariable('last_user') as varchar), repeat(chr(1114111), 64))
{%- endif -%}
{%- endmacro %}

{#
  The first and the last user of each slice, in order. A user is never cut in two; the letter in front
  keeps dbt from taking a name for a number or a date.
#}
{% macro slices() %}
    {% set found = run_query(
        "select 'u:' || min(user_id), 'u:' || max(user_id) from ("
        ~ "select user_id, sum(sum(starts)) over (order by user_id) as plays"
        ~ " from " ~ as_last_built('int_minutes_told', 'intermediate') ~ " group by user_id"
        ~ ") as users group by (plays - 1) // " ~ var('plays_at_once') ~ " order by 1"
    ) %}
    {{ return(found.rows) }}
{% endmacro %}

{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set users = slices() if config.get('meta', {}).get('in_slices') and not temporary and not only_changes() else [] -%}
    {%- if users | length == 0 -%}
    {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by) }}
    {%- else -%}
    {%- for first, last in users %}
    set variable first_user = {{ quoted(first[2:]) }};
    set variable last_user = {{ quoted(last[2:]) }};
    {{ 'create table ' ~ relation ~ ' as' if loop.first else 'insert into ' ~ relation }}
    select * from (
    {{ compiled_code }}
    ) as of_users
    {{ 'order by user_id' if config.get('materialized') == 'incremental' }};
    {%- endfor %}
    reset variable first_user;
    reset variable last_user
    {%- endif -%}
{%- endmacro %}
