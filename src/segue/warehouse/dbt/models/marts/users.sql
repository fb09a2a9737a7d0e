with everybody as (
    select user_id from {{ ref('int_user_plays') }}
    union
    select user_id from {{ ref('library') }}
    union
    select user_id from {{ ref('playlist_tracks') }}
    union
    select user_id from {{ ref('feedback') }}
)

select
    everybody.user_id,
    coalesce(counts.plays, 0) as plays,
    coalesce(counts.tracks, 0) as tracks,
    coalesce(counts.artists, 0) as artists,
    coalesce(counts.skips, 0) as skips,
    coalesce(counts.ms_played, 0) as ms_played,
    counts.first_played_at,
    counts.last_played_at,
    counts.country
from everybody
left join {{ ref('int_user_plays') }} as counts on everybody.user_id = counts.user_id
