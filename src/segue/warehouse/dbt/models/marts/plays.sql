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

-- sessions are found among as few columns as possible, since all of them are sorted for it
spaced as (
    select
        row_id,
        user_id,
        played_at,
        max(coalesce(ended_at, played_at)) over (
            partition by user_id
            order by played_at, row_id
            rows between unbounded preceding and 1 preceding
        ) as quiet_since
    from {{ ref('int_plays_once') }}
),

numbered as (
    select
        row_id,
        user_id,
        starts_session,
        sum(starts_session) over (
            partition by user_id order by played_at, row_id rows unbounded preceding
        ) as session_number
    from (
        select
            row_id,
            user_id,
            played_at,
            case
                when
                    quiet_since is null
                    or {{ seconds('played_at') }} - {{ seconds('quiet_since') }}
                    >= {{ var('session_gap_minutes') }} * 60
                    then 1
                else 0
            end as starts_session
        from spaced
    ) as flagged
),

sessions as (
    select numbered.row_id, first_plays.row_id as first_id
    from numbered
    inner join numbered as first_plays
        on
            numbered.user_id = first_plays.user_id
            and numbered.session_number = first_plays.session_number
            and first_plays.starts_session = 1
)

select
    {{ id_from('p', 'judged.row_id') }} as play_id,
    user_id,
    track_id,
    artist_id,
    played_at,
    ended_at,
    ms_played,
    source,
    {{ id_from('s', 'sessions.first_id') }} as session_id,
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
from judged
inner join sessions on judged.row_id = sessions.row_id
