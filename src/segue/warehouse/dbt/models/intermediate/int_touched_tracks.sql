-- Tracks whose row may differ from that of the last build, with what it said.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_retold_tracks') }} {{ ref('int_durations') }}
{% if only_changes() %}
with touched as (
    select track_id from {{ ref('int_retold_tracks') }}
    union
    select track_id from {{ ref('int_touched_plays') }}
    union
    select track_id from {{ ref('int_durations') }} where changed_in = '{{ invocation_id }}'
)

select
    touched.track_id,
    tracks.artist_id as was_artist_id,
    tracks.album_id as was_album_id,
    touched.track_id in (select track_id from {{ ref('int_touched_plays') }}) as is_heard
from touched
left join {{ as_last_built('tracks') }} as tracks on touched.track_id = tracks.track_id
{% else %}
select
    track_id,
    artist_id as was_artist_id,
    track_id as was_album_id,
    false as is_heard
from {{ ref('int_known_refs') }}
where 1 = 0
{% endif %}
