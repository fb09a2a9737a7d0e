-- Sessions as a crowd brings them; where it brings times only, a long pause starts a new one.
with told as (
    select crowd.*, refs.track_id
    from {{ ref('stg_crowd') }} as crowd
    inner join {{ ref('stg_track_refs') }} as refs on crowd.track_ref = refs.track_ref
    where
        refs.track_id is not null
        and (crowd.session_id is not null or crowd.played_at is not null)
),

spaced as (
    select
        *,
        case
            when
                {{ seconds('played_at') }} - {{ seconds('lag(played_at) over (partition by crowd, listener_id order by played_at, position, row_id)') }}
                < {{ var('session_gap_minutes') }} * 60
                then 0
            else 1
        end as starts_session
    from told
    where session_id is null
),

sessions as (
    select crowd, listener_id, session_id, track_id, position, played_at, row_id
    from told
    where session_id is not null
    union all
    select
        crowd,
        listener_id,
        listener_id || '#' || sum(starts_session) over (
            partition by crowd, listener_id
            order by played_at, position, row_id
            rows between unbounded preceding and current row
        ) as session_id,
        track_id,
        position,
        played_at,
        row_id
    from spaced
)

select
    crowd,
    listener_id,
    session_id,
    cast(
        row_number() over (
            partition by crowd, session_id order by position, played_at, row_id
        ) - 1 as integer
    ) as position,
    track_id,
    played_at
from sessions
