{#
  Rows that break the promise of a model: its key is not unique, a column that always has a value is
  null, names what is not there, or has a value that it may not have. One query a model keeps builds
  quick; so does, in a build of changes, looking only at rows that may have changed: the others
  passed when they came.

  key: columns that are unique together and never null; may be left out.
  always_there: further columns that are never null.
  relationships: column -> the model that has a row for each of its values, in a column so called.
  accepted_values: column -> the values that it may have.
  Null is no value: it relates to nothing, and is accepted.
#}
{% test grain(model, always_there, key=none, relationships={}, accepted_values={}) %}
{%- set columns = (key or []) + always_there + relationships.keys() | list + accepted_values.keys() | list %}
with checked as (
    select {{ columns | unique | join(', ') }}
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
{% for column, other in relationships.items() %}
union all
select '{{ column }} is not there' as fault, count(*) as faults
from (select distinct {{ column }} from checked where {{ column }} is not null) as named
left join {{ other }} as known on named.{{ column }} = known.{{ column }}
where known.{{ column }} is null
having count(*) > 0
{% endfor %}
{% for column, values in accepted_values.items() %}
union all
select '{{ column }} is none of its values' as fault, count(*) as faults
from checked
where {{ column }} not in ({% for value in values %}{{ value if value is number else quoted(value) }}{{ ", " if not loop.last }}{% endfor %})
having count(*) > 0
{% endfor %}
{% endtest %}

{# In a build of changes: only rows of a model, under the alias, whose key is among the touched. #}
{% macro touched_rows(relation, alias) %}
{%- if execute and only_changes() -%}
{%- for node in graph.nodes.values()
    if node.resource_type == 'model' and node.alias == relation.identifier and node.config.meta.get('touched') -%}
{%- set touched = node.config.meta['touched'] -%}
where exists (
    select 1
    from {{ api.Relation.create(database=target.database, schema=schema_called('intermediate'), identifier=touched['in']) }} as touched
    where {% for column in touched['key'] %}touched.{{ column }} = {{ alias }}.{{ column }}{{ " and " if not loop.last }}{% endfor %}
)
{% if 'user_id' in touched['key'] %}{{ of_few(touched['in'], alias ~ '.user_id') }}{% endif %}
{%- endfor -%}
{%- endif -%}
{% endmacro %}
