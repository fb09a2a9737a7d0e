{#
  Models go to the schema that their folder names, without the target's name in front; but in
  Snowflake, where many share a database, the target's schema is the prefix, unless it is PUBLIC.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name and target.type == 'snowflake' and target.schema | lower != 'public' -%}
    {{ target.schema }}_{{ custom_schema_name }}
    {%- else -%}
    {{ custom_schema_name or target.schema }}
    {%- endif -%}
{%- endmacro %}

{# What a schema is called here; for relations that are no models. #}
{% macro schema_called(name) %}{{ return(generate_schema_name(name, none) | trim) }}{% endmacro %}

{# After a model is made: what the planner of queries must be told. #}
{% macro settle() %}{{ return(adapter.dispatch('settle')()) }}{% endmacro %}
{% macro default__settle() %}{% endmacro %}
{% macro postgres__settle() %}
{%- if model.config.materialized in ('table', 'incremental') %}analyze {{ this }}{% endif -%}
{% endmacro %}
