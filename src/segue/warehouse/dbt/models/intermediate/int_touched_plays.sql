-- What a build of changes takes out of `plays` or puts in: as it was, and as it will be. Everything
-- that is counted from plays is counted anew for the users, tracks and days in here.
-- depends_on: {{ ref('int_plays_once') }} {{ ref('int_changed_users') }}
-- depends_on: {{ ref('int_durations') }} {{ ref('int_plays_not_me') }}
{{ config(meta={'few': 'user_id'}) }}
{% set columns = ['play_id', 'row_id', 'user_id', 'track_id', 'artist_id', 'played_at', 'session_id'] %}

{% if only_changes() %}
with changed as (
    select {% for column in columns %}plays.{{ column }}, {% endfor %}'was' as state
    from {{ as_last_built('plays') }} as plays
    {{ join_changed_users('plays') }}
    union all
    select
        {{ id_from('p', 'row_id') }} as play_id,
        row_id,
        user_id,
        track_id,
        artist_id,
        played_at,
        cast(null as varchar(20)) as session_id,
        'comes' as state
    from {{ ref('int_plays_once') }}
),

-- plays that stay, but may be judged in another way
judged_anew as (
    select row_id from {{ as_last_built('plays') }} where not_me
    union
    select row_id from {{ ref('int_plays_not_me') }}
    union
    select plays.row_id
    from {{ as_last_built('plays') }} as plays
    inner join {{ ref('int_durations') }} as durations on plays.track_id = durations.track_id
    where durations.changed_in = '{{ invocation_id }}' and durations.was_known
),

judged as (
    select {% for column in columns %}plays.{{ column }}, {% endfor %}'stays' as state
    from {{ as_last_built('plays') }} as plays
    inner join judged_anew on plays.row_id = judged_anew.row_id
    left join {{ ref('int_durations') }} as durations
        on plays.track_id = durations.track_id and durations.changed_in = '{{ invocation_id }}'
    left join {{ ref('int_plays_not_me') }} as others on plays.row_id = others.row_id
    left join {{ ref('int_changed_users') }} as changed
        on plays.user_id = changed.user_id and plays.played_at >= changed.since
    where
        changed.user_id is null
        and (
            plays.not_me <> (others.row_id is not null)
            or (
                durations.track_id is not null
                and coalesce(plays.ms_played >= {{ var('finished_share') }} * durations.duration_ms, false)
                <> coalesce(plays.ms_played >= {{ var('finished_share') }} * durations.was_ms, false)
            )
        )
)

select told.*, {{ told_days('told.played_at', 'told.user_id') }}
from (
    select * from changed
    union all
    select * from judged
) as told
{% else %}
select
    {{ id_from('p', 'row_id') }} as play_id,
    row_id,
    user_id,
    track_id,
    artist_id,
    played_at,
    cast(null as varchar(20)) as session_id,
    cast(null as varchar(5)) as state,
    {{ told_days('played_at', 'user_id') }}
from {{ ref('int_plays_once') }}
where 1 = 0
{% endif %}
