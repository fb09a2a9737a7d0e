-- What was heard of each play, and the session it belongs to.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_changed_users') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'row_id']}, 'in_slices': true},
) }}
{% set told = [
    'row_id', 'user_id', 'track_id', 'artist_id', 'source', 'played_at', 'ended_at', 'ms_played',
    'reason_start', 'reason_end', 'shuffle', 'offline', 'incognito', 'platform', 'country',
] %}

-- sessions are found among as few columns as possible, since all of them are sorted for it
with spaced as (
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

{% if only_changes() %}
-- the session that was under way, and when the user fell silent, before the first play looked at
fell_silent as (
    select
        plays.user_id,
        max(coalesce(plays.ended_at, plays.played_at)) as quiet_since,
        max(plays.played_at) as played_at
    from {{ this }} as plays
    inner join {{ ref('int_changed_users') }} as changed
        on
            plays.user_id = changed.user_id
            and plays.played_at < changed.since
            {{ of_few('int_changed_users', 'plays.user_id') }}
    group by plays.user_id
),

before as (
    select user_id, quiet_since, session_id
    from (
        select
            plays.user_id,
            plays.session_id,
            fell_silent.quiet_since,
            row_number() over (partition by plays.user_id order by plays.row_id desc) as age
        from {{ this }} as plays
        inner join fell_silent
            on
                plays.user_id = fell_silent.user_id
                and plays.played_at = fell_silent.played_at
                {{ of_few('int_changed_users', 'plays.user_id') }}
    ) as aged
    where age = 1
),
{% endif %}

numbered as (
    select
        row_id,
        user_id,
        played_at,
        starts_session,
        sum(starts_session) over (
            partition by user_id
            order by played_at, row_id
            rows between unbounded preceding and current row
        ) as session_number
    from (
        select
            spaced.row_id,
            spaced.user_id,
            spaced.played_at,
            {% set quiet_since = 'spaced.quiet_since' %}
            {% if only_changes() %}
            {% set quiet_since = 'coalesce(greatest(spaced.quiet_since, before.quiet_since), spaced.quiet_since, before.quiet_since)' %}
            {% endif %}
            case
                when
                    {{ quiet_since }} is null
                    or {{ seconds('spaced.played_at') }} - {{ seconds(quiet_since) }}
                    >= {{ var('session_gap_minutes') }} * 60
                    then 1
                else 0
            end as starts_session
        from spaced
        {% if only_changes() %}left join before on spaced.user_id = before.user_id{% endif %}
    ) as flagged
),

session_ids as (
    select user_id, session_number, {{ id_from('s', 'row_id') }} as session_id
    from numbered
    where starts_session = 1
    {% if only_changes() %}
    union all
    select user_id, 0 as session_number, session_id from before
    {% endif %}
),

told as (
    select
        {% for column in told %}plays.{{ column }},
        {% endfor -%}
        plays.duration_ms as told_duration_ms,
        plays.skipped as told_skipped,
        session_ids.session_id
    from {{ ref('int_plays_once') }} as plays
    inner join numbered on plays.row_id = numbered.row_id
    inner join session_ids
        on
            numbered.user_id = session_ids.user_id
            and numbered.session_number = session_ids.session_number
    {% if only_changes() %}
    union all
    select
        {% for column in told %}plays.{{ column }},
        {% endfor -%}
        plays.told_duration_ms,
        plays.told_skipped,
        plays.session_id
    from {{ this }} as plays
    where plays.play_id in (select play_id from {{ ref('int_touched_plays') }} where state = 'stays')
    {% endif %}
),

judged as (
    select
        told.*,
        coalesce(
            told.reason_end = 'trackdone'
            or told.ms_played is null
            or told.ms_played >= {{ var('finished_share') }} * durations.duration_ms,
            false
        ) as finished,
        coalesce(told.ms_played >= {{ var('counted_ms') }}, true) as counted,
        coalesce(
            told.told_skipped
            or told.reason_end in (
                'fwdbtn', 'backbtn', 'nextbtn', 'clickrow', 'clickside', 'playbtn', 'remote',
                'uriopen', 'popup'
            )
            or (
                told.told_skipped is null
                and told.reason_end is null
                and told.ms_played < {{ var('counted_ms') }}
            ),
            false
        ) as left_early,
        others.row_id is not null as not_me
    from told
    left join {{ ref('int_durations') }} as durations on told.track_id = durations.track_id
    left join {{ ref('int_plays_not_me') }} as others on told.row_id = others.row_id
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
    session_id,
    reason_start,
    reason_end,
    left_early and (not finished or (ms_played is null and told_skipped)) as skipped,
    -- a scrobble says that a track was played, not that it was heard to the end
    finished and (ms_played is not null or coalesce(reason_end = 'trackdone', false)) as finished,
    counted,
    shuffle,
    offline,
    incognito,
    platform,
    country,
    not_me,
    row_id,
    told_duration_ms,
    told_skipped
from judged
