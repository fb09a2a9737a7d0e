-- A source sometimes tells of one play twice: a few seconds apart, or because two programs have
-- exported it, one of them with less precise times. Only plays of a track that are less than a
-- minute apart are looked at, so that a song on repeat keeps all of its plays.
{{ config(meta={'in_slices': true}) }}
with starts as (
    select
        row_id,
        user_id,
        source,
        track_id,
        ms_played,
        {{ seconds('played_at') }} as starts_at
    from {{ ref('int_plays_unioned') }}
),

spaced as (
    select
        *,
        starts_at - lag(starts_at) over (
            partition by user_id, source, track_id order by starts_at, row_id
        ) as since_last,
        lead(starts_at) over (
            partition by user_id, source, track_id order by starts_at, row_id
        ) - starts_at as until_next
    from starts
),

suspects as (
    select
        spaced.*,
        {{ is_whole_minute('spaced.starts_at') }} and told.is_minutes as is_minute
    from spaced
    inner join {{ ref('int_minutes_told') }} as told
        on spaced.user_id = told.user_id and spaced.source = told.source
    where spaced.since_last < 60 or spaced.until_next < 60
),

-- a minute without a length is a play within that minute
precise as (
    select *
    from (
        select
            *,
            min(case when not is_minute then starts_at end) over (
                partition by user_id, source, track_id
                order by starts_at, row_id rows between current row and unbounded following
            ) as next_at
        from suspects
    ) as looked_up
    where not is_minute or ms_played is not null or coalesce(next_at - starts_at, 60) >= 60
),

-- a play without a length is the one with a length beside it
measured as (
    select *
    from (
        select
            *,
            max(case when ms_played is not null then starts_at end) over (
                partition by user_id, source, track_id
                order by starts_at, row_id rows between unbounded preceding and current row
            ) as measured_before,
            min(case when ms_played is not null then starts_at end) over (
                partition by user_id, source, track_id
                order by starts_at, row_id rows between current row and unbounded following
            ) as measured_after
        from precise
    ) as looked_up
    where
        ms_played is not null
        or (
            coalesce(starts_at - measured_before, 30) >= 30
            and coalesce(measured_after - starts_at, 30) >= 30
        )
),

-- of plays with the same length, or none, the first is kept
kept as (
    select row_id
    from (
        select
            row_id,
            is_minute,
            starts_at - lag(starts_at) over (
                partition by user_id, source, track_id, ms_played order by starts_at, row_id
            ) as since_like_it,
            lag(is_minute) over (
                partition by user_id, source, track_id, ms_played order by starts_at, row_id
            ) as after_minute
        from measured
    ) as looked_up
    where
        since_like_it is null
        or since_like_it >= case when after_minute and not is_minute then 60 else 30 end
)

select row_id, user_id
from suspects
where not exists (select 1 from kept where kept.row_id = suspects.row_id)
