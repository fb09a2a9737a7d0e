-- Users whose profile may differ from that of the last build.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_retold_tracks') }} {{ ref('int_changed_genres') }}
-- depends_on: {{ ref('user_track_counts') }} {{ ref('user_artist_counts') }}
{{ config(meta={'few': 'user_id'}) }}
{% if only_changes() %}
select user_id from {{ ref('int_touched_plays') }}
union
select user_id
from {{ ref('user_track_counts') }}
where track_id in (select track_id from {{ ref('int_retold_tracks') }})
union
select user_id
from {{ ref('user_artist_counts') }}
where artist_id in (select artist_id from {{ ref('int_changed_genres') }})
union
select coalesce(users.user_id, known.user_id) as user_id
from {{ ref('users') }} as users
full outer join {{ as_last_built('user_profiles') }} as known on users.user_id = known.user_id
where users.user_id is null or known.user_id is null
{% else %}
select user_id
from {{ ref('users') }}
where 1 = 0
{% endif %}
