-- What was heard of each play, and the session it belongs to.
with judged as (
    select
        plays.*,
        coalesce(
            plays.reason_end = 'trackdone'
            or plays.ms_played is null
            or plays.ms_played >= {{ var('finished_share') }} * durations.duration_ms,
            false
        ) as finished,
        coalesce(plays.ms_played >= {{ var('counted_ms') }}, true) as counted,
        coalesce(
            plays.skipped
            or plays.reason_end in (
                'fwdbtn', 'backbtn', 'nextbtn', 'clickrow', 'clickside', 'playbtn', 'remote',
                'uriopen', 'popup'
            )
            or (
                plays.skipped is null
                and plays.reason_end is null
                and plays.ms_played < {{ var('counted_ms') }}
            ),
            false
        ) as left_early,
        others.row_id is not null as not_me
    from {{ ref('int_plays_once') }} as plays
    left join {{ ref('int_durations') }} as durations on plays.track_id = durations.track_id
    left join {{ ref('int_plays_not_me') }} as others on plays.row_id = others.row_id
),

spaced as (
    select
        *,
        max(coalesce(ended_at, played_at)) over (
            partition by user_id
            order by played_at, row_id
            rows between unbounded preceding and 1 preceding
        ) as quiet_since
    from judged
),

numbered as (
    select
        *,
        sum(
            case
                when
                    quiet_since is null
                    or {{ seconds('played_at') }} - {{ seconds('quiet_since') }}
                    >= {{ var('session_gap_minutes') }} * 60
                    then 1
                else 0
            end
        ) over (
            partition by user_id order by played_at, row_id rows unbounded preceding
        ) as session_number
    from spaced
)

select
    {{ id_from('p', 'row_id') }} as play_id,
    user_id,
    track_id,
    artist_id,
    played_at,
    ended_at,
    ms_played,
    source,
    {{ id_from('s', 'first_value(row_id) over (partition by user_id, session_number order by played_at, row_id)') }}
        as session_id,
    reason_start,
    reason_end,
    left_early and (not finished or (ms_played is null and skipped)) as skipped,
    -- a scrobble says that a track was played, not that it was heard to the end
    finished and (ms_played is not null or coalesce(reason_end = 'trackdone', false)) as finished,
    counted,
    shuffle,
    offline,
    incognito,
    platform,
    country,
    not_me
from numbered
