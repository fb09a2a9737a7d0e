{# When the import was that wrote a file, from the time in the file's name; null if it has none. #}
{% macro imported_at(piece) -%}
case
    when {{ piece }} like '________T______Z%' then {{ moment_of(piece, 1) }}
    when {{ piece }} like '________-________T______Z%' then {{ moment_of(piece, 10) }}
end
{%- endmacro %}

{% macro moment_of(text, start) -%}
cast(
    {%- for length, end in [(4, '-'), (2, '-'), (2, ' '), (2, ':'), (2, ':'), (2, '+00')] %}
    {%- set at = [0, 4, 6, 9, 11, 13][loop.index0] + start %}
    {{ "|| " if not loop.first }}substr({{ text }}, {{ at }}, {{ length }}) || '{{ end }}'
    {%- endfor %}
    as timestamp with time zone
)
{%- endmacro %}

{# The latest import that had rows for a raw table, for `dbt source freshness`. #}
{% macro latest_import(table) -%}
select max({{ imported_at('piece') }}) from {{ source('raw', 'loads') }} where table_name = '{{ table | lower }}'
{%- endmacro %}

{# Greater than the number of any lake file. #}
{% macro never() %}cast(9000000000000000 as bigint){% endmacro %}
