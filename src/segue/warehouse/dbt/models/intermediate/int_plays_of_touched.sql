-- What is counted by user is counted from here: all plays, or, in a build of changes, those of the
-- users of touched plays. A view, which a plan of changes makes once for all that read it.
-- depends_on: {{ ref('int_touched_plays') }}
{{ config(materialized='view') }}

select
    play_id,
    user_id,
    track_id,
    artist_id,
    played_at,
    ended_at,
    ms_played,
    session_id,
    country,
    counted,
    finished,
    skipped,
    not_me
from {{ ref('plays') }}
where
    {{ in_slice('user_id') }}
{% if only_changes() %}
    and user_id in (select user_id from {{ ref('int_touched_plays') }})
    {{ of_few('int_touched_plays', 'user_id') }}
{% endif %}
