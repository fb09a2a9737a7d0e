-- Every track that is played or counted anywhere is in the tracks mart. A build of changes looks at
-- what may have come or gone.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_touched_tracks') }}
select played.track_id
from {{ ref('user_track_counts') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where
    known.track_id is null
    {% if only_changes() %}
    and (
        played.track_id in (select track_id from {{ ref('int_touched_tracks') }})
        or played.user_id in (select user_id from {{ ref('int_touched_plays') }})
    )
    {% endif %}
union all
select played.track_id from {{ ref('playlist_tracks') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where known.track_id is null
