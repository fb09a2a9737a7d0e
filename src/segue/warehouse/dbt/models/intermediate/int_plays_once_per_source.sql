-- A source sometimes tells of one play twice, a few seconds apart: the first is kept.
with ordered as (
    select
        *,
        lag(played_at) over (
            partition by user_id, source, track_id, ms_played
            order by played_at, row_id
        ) as previous_at
    from {{ ref('int_plays_unioned') }}
)

select
    row_id,
    user_id,
    track_id,
    artist_id,
    source,
    source_rank,
    imprecision_s,
    played_at,
    ended_at,
    ms_played,
    duration_ms,
    reason_start,
    reason_end,
    skipped,
    shuffle,
    offline,
    incognito,
    platform,
    country
from ordered
where
    previous_at is null
    or {{ seconds('played_at') }} - {{ seconds('previous_at') }} >= 30
