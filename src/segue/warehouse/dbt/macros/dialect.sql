{# What the warehouses say differently, each in one place. #}

{# Seconds since 1970 of a timestamp, with fractions. #}
{% macro seconds(moment) %}{{ return(adapter.dispatch('seconds')(moment)) }}{% endmacro %}
{% macro default__seconds(moment) %}extract(epoch from {{ moment }}){% endmacro %}
{% macro duckdb__seconds(moment) %}epoch({{ moment }}){% endmacro %}

{# The day of a timestamp in UTC. #}
{% macro utc_day(moment) %}cast({{ moment }} at time zone 'UTC' as date){% endmacro %}

{# A timestamp some milliseconds later. #}
{% macro plus_ms(moment, ms) %}({{ moment }} + {{ ms }} * interval '1 millisecond'){% endmacro %}

{# A text id from a 64-bit number. #}
{% macro id_from(prefix, number) %}('{{ prefix }}' || lpad(to_hex({{ number }}), 16, '0')){% endmacro %}

{# The distinct values of a group, sorted, as a list. #}
{% macro sorted_set(value) %}{{ return(adapter.dispatch('sorted_set')(value)) }}{% endmacro %}
{% macro default__sorted_set(value) %}array_agg(distinct {{ value }} order by {{ value }}){% endmacro %}
{% macro duckdb__sorted_set(value) %}list_sort(list(distinct {{ value }})){% endmacro %}

{# One row for each value of a list column. #}
{% macro each(list) %}unnest({{ list }}){% endmacro %}
