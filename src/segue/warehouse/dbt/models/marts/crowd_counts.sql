select
    crowd.crowd,
    crowd.listener_id,
    refs.track_id,
    refs.artist_id,
    {{ exact_sum('crowd.plays') }} as plays,
    max(crowd.played_at) as last_played_at
from {{ ref('stg_crowd') }} as crowd
inner join {{ ref('stg_track_refs') }} as refs on crowd.track_ref = refs.track_ref
group by crowd.crowd, crowd.listener_id, refs.track_id, refs.artist_id
