{#
  Rows that break the promise of a model: its key is not unique, or a column that always has a value
  is null. One query a model keeps builds quick; so does, in a build of changes, looking only at rows
  that may have changed: the others passed when they came.

  key: columns that are unique together and never null; may be left out.
  always_there: further columns that are never null.
#}
{% test grain(model, always_there, key=none) %}
with checked as (
    select {{ ((key or []) + always_there) | unique | join(', ') }}
    from {{ model }} as built
    {{ touched_rows(model, 'built') }}
)

select 'null' as fault, count(*) as faults
from checked
where {% for column in (key or []) + always_there %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}
having count(*) > 0
{% if key %}
union all
select 'not unique' as fault, count(*) as faults
from (
    select {{ key | join(', ') }} from checked group by {{ key | join(', ') }} having count(*) > 1
) as repeated
having count(*) > 0
{% endif %}
{% endtest %}

{# In a build of changes: only rows of a model, under the alias, whose key is among the touched. #}
{% macro touched_rows(relation, alias) %}
{%- if execute and only_changes() -%}
{%- for node in graph.nodes.values()
    if node.resource_type == 'model' and node.alias == relation.identifier and node.config.meta.get('touched') -%}
{%- set touched = node.config.meta['touched'] -%}
where exists (
    select 1
    from {{ api.Relation.create(database=target.database, schema='intermediate', identifier=touched['in']) }} as touched
    where {% for column in touched['key'] %}touched.{{ column }} = {{ alias }}.{{ column }}{{ " and " if not loop.last }}{% endfor %}
)
{%- endfor -%}
{%- endif -%}
{% endmacro %}
