-- From when on a user's plays may come out differently than in the last build: the first new play,
-- the first whose track has become another, or all, moved back behind a pause in which nothing
-- began for so long that what is before it has nothing to do with what is after it.
-- depends_on: {{ source('raw', 'plays') }} {{ ref('int_changed_refs') }} {{ ref('int_minutes_told') }}
{{ config(meta={'few': 'user_id'}) }}
{% if only_changes() %}
{% set days = 14 %}
with touched as (
    select user_id, played_at
    from {{ source('raw', 'plays') }}
    where {{ in_new_files() }}
    union all
    select plays.user_id, plays.played_at
    from {{ source('raw', 'plays') }} as plays
    inner join {{ ref('int_changed_refs') }} as refs on plays.track_ref = refs.track_ref
    where
        refs.was_known
        and (
            refs.track_id is distinct from refs.was_track_id
            or refs.artist_id is distinct from refs.was_artist_id
        )
    union all
    select user_id, {{ beginning_of_time() }} as played_at
    from {{ ref('int_minutes_told') }}
    where changed_in = '{{ invocation_id }}' and was_minutes is distinct from is_minutes and was_minutes is not null
),

earliest as (
    select user_id, min(played_at) as played_at from touched group by user_id
),

before as (
    select
        plays.user_id,
        plays.played_at,
        {{ seconds('plays.played_at') }} as starts_at,
        {{ seconds('earliest.played_at') }} - {{ days * 86400 }} as looked_from
    from {{ source('raw', 'plays') }} as plays
    inner join earliest on plays.user_id = earliest.user_id
    where
        plays.played_at <= earliest.played_at
        and plays.played_at >= (select {{ plus_ms('min(played_at)', -(days + 1) * 86400000) }} from earliest)
        and {{ seconds('plays.played_at') }}
        >= {{ seconds('earliest.played_at') }} - {{ days * 86400 }}
),

pauses as (
    select
        user_id,
        played_at,
        starts_at - coalesce(
            lag(starts_at) over (partition by user_id order by starts_at), looked_from
        ) as pause_s
    from before
),

behind_pause as (
    select user_id, max(played_at) as since
    from pauses
    where pause_s > {{ no_relation_s() }}
    group by user_id
)

-- who has not paused in two weeks is built anew as a whole
select
    earliest.user_id,
    coalesce(behind_pause.since, {{ beginning_of_time() }}) as since
from earliest
left join behind_pause on earliest.user_id = behind_pause.user_id
{% else %}
select
    user_id,
    played_at as since
from {{ source('raw', 'plays') }}
where 1 = 0
{% endif %}
