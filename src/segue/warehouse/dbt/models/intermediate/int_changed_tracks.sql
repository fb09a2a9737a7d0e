-- Tracks of plays that may have changed, before and now.
-- depends_on: {{ ref('int_plays_once') }} {{ ref('int_changed_users') }}
select track_id
from {{ ref('int_plays_once') }}
{% if only_changes() %}
union
select plays.track_id
from {{ as_last_built('plays') }} as plays
{{ join_changed_users('plays') }}
{% else %}
where 1 = 0
{% endif %}
