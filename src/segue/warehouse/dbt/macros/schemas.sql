{# Models go to the schema that their folder names, without the target's name in front. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}

{# After a model is made: what the planner of queries must be told. #}
{% macro settle() %}{{ return(adapter.dispatch('settle')()) }}{% endmacro %}
{% macro default__settle() %}{% endmacro %}
{% macro postgres__settle() %}
{%- if model.config.materialized in ('table', 'incremental') %}analyze {{ this }}{% endif -%}
{% endmacro %}
