-- Every track that is played or counted anywhere is in the tracks mart. A build of changes looks at
-- what may have come or gone.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_touched_tracks') }}
select played.track_id
from {{ ref('user_track_counts') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where
    known.track_id is null
    {% if only_changes() %}
    and played.user_id in (select user_id from {{ ref('int_touched_plays') }})
    {{ of_few('int_touched_plays', 'played.user_id') }}
union all
select played.track_id
from {{ ref('user_track_counts') }} as played
inner join (
    select touched.track_id
    from {{ ref('int_touched_tracks') }} as touched
    left join {{ ref('tracks') }} as known on touched.track_id = known.track_id
    where known.track_id is null
) as gone on played.track_id = gone.track_id
    {% endif %}
union all
select played.track_id from {{ ref('playlist_tracks') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where known.track_id is null
