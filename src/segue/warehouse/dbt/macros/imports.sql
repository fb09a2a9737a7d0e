{# When the import was that wrote a file, from the time in the file's name; null if it has none. #}
{% macro imported_at(piece) -%}
case
    when {{ piece }} like '________T______Z%' then {{ moment_of(piece, 1) }}
    when {{ piece }} like '________-________T______Z%' then {{ moment_of(piece, 10) }}
end
{%- endmacro %}

{% macro moment_of(text, start) -%}
{%- set parts = [] -%}
{%- for at, length in [(0, 4), (4, 2), (6, 2), (9, 2), (11, 2), (13, 2)] -%}
{%- do parts.append('substr(' ~ text ~ ', ' ~ (start + at) ~ ', ' ~ length ~ ')') -%}
{%- endfor -%}
{{ utc_moment("%s || '-' || %s || '-' || %s || ' ' || %s || ':' || %s || ':' || %s" % (parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])) }}
{%- endmacro %}

{# The latest import that had rows for a raw table, for `dbt source freshness`. #}
{% macro latest_import(table) -%}
select max({{ imported_at('piece') }}) from {{ source('raw', 'loads') }} where table_name = '{{ table | lower }}'
{%- endmacro %}

{# Greater than the number of any lake file. #}
{% macro never() %}cast(9000000000000000 as bigint){% endmacro %}
