{#
  Rows that break the promise of a model: its key is not unique, or a column that always has a value
  is null. One query a model keeps builds quick.

  key: columns that are unique together and never null; may be left out.
  always_there: further columns that are never null.
#}
{% test grain(model, always_there, key=none) %}
select 'null' as fault, count(*) as faults
from {{ model }}
where {% for column in (key or []) + always_there %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}
having count(*) > 0
{% if key %}
union all
select 'not unique' as fault, count(*) as faults
from (
    select {{ key | join(', ') }} from {{ model }} group by {{ key | join(', ') }} having count(*) > 1
) as repeated
having count(*) > 0
{% endif %}
{% endtest %}
