-- The same play told by two sources. Pairs are mutual nearest neighbours, source by source: plays of
-- the same length first, then by time, so that a song on repeat keeps all of its plays. Further
-- rounds pair what is left over.
{{ config(meta={'in_slices': true}) }}
{% set reach_s = longest_play_s() %}
{% set rounds = 4 %}

with told_by as (
    select
        user_id,
        source,
        row_number() over (partition by user_id order by {{ rank_of('source') }}, source) as place,
        count(*) over (partition by user_id) as sources
    from {{ ref('int_minutes_told') }}
),

-- a play is looked for in its own six hours and in those before and after
plays as (
    select
        *,
        cast(floor(starts_at / {{ reach_s }}) as bigint) as reach
    from (
        select
            told.row_id,
            told.user_id,
            told.track_id,
            told.source,
            told_by.place,
            told.imprecision_s,
            told.ms_played,
            {{ seconds('told.played_at') }} as starts_at,
            least(
                coalesce({{ seconds('told.ended_at') }}, {{ seconds('told.played_at') }}),
                {{ seconds('told.played_at') }} + {{ reach_s }}
            ) as ends_at
        from {{ ref('int_plays_once_per_source') }} as told
        inner join told_by on told.user_id = told_by.user_id and told.source = told_by.source
        where told_by.sources > 1
    ) as timed
),

-- of a source that is believed less; most plays are of the first one
reaching as (
    {% for step in [-1, 0, 1] %}
    select plays.*, reach + {{ step }} as other_reach from plays where place > 1
    {{ "union all" if not loop.last }}
    {% endfor %}
),

near as (
    select
        one.user_id,
        one.row_id as absorbed_id,
        one.source as absorbed_source,
        other.row_id as kept_id,
        other.source as kept_source,
        case when one.ms_played = other.ms_played then 0 else 1 end as unlike,
        one.starts_at as one_starts_at,
        one.ends_at as one_ends_at,
        other.starts_at as other_starts_at,
        other.ends_at as other_ends_at,
        one.imprecision_s + other.imprecision_s as imprecision_s
    from reaching as one
    inner join plays as other
        on
            one.user_id = other.user_id
            and one.track_id = other.track_id
            and one.other_reach = other.reach
    where other.place < one.place
),

-- one's start lies near the other's start, or within its span
pairs as (
    select
        user_id,
        absorbed_id,
        absorbed_source,
        kept_id,
        kept_source,
        unlike,
        abs(one_starts_at - other_starts_at) as distance
    from near
    where
        abs(one_starts_at - other_starts_at) <= {{ var('same_play_seconds') }} + imprecision_s
        or (other_starts_at >= one_starts_at and other_starts_at <= one_ends_at + imprecision_s)
        or (one_starts_at >= other_starts_at and one_starts_at <= other_ends_at + imprecision_s)
),

{% for round in range(rounds) %}
{% if round > 0 %}
left_over_{{ round }} as (
    select candidates.*
    from {{ 'pairs' if round == 1 else 'left_over_' ~ (round - 1) }} as candidates
    left join round_{{ round - 1 }} as taken
        on
            candidates.absorbed_id = taken.absorbed_id
            and candidates.kept_source = taken.kept_source
    left join round_{{ round - 1 }} as used
        on
            candidates.kept_id = used.kept_id
            and candidates.absorbed_source = used.absorbed_source
    where taken.absorbed_id is null and used.kept_id is null
),
{% endif %}

round_{{ round }} as (
    select user_id, absorbed_id, absorbed_source, kept_id, kept_source, distance
    from (
        select
            *,
            row_number() over (
                partition by absorbed_id, kept_source order by unlike, distance, kept_id
            ) as place_for_absorbed,
            row_number() over (
                partition by kept_id, absorbed_source order by unlike, distance, absorbed_id
            ) as place_for_kept
        from {{ 'pairs' if round == 0 else 'left_over_' ~ round }}
    ) as placed
    where place_for_absorbed = 1 and place_for_kept = 1
),
{% endfor %}

mutual as (
    {% for round in range(rounds) %}
    select user_id, absorbed_id, absorbed_source, kept_id, kept_source, distance from round_{{ round }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- A play whose only partner is taken by one that could have another: it is that other's.
moved as (
    select
        single.user_id,
        single.absorbed_id,
        single.absorbed_source,
        other.kept_id,
        single.kept_source,
        single.distance,
        row_number() over (
            partition by single.absorbed_id, single.kept_source
            order by single.distance, other.distance, other.kept_id
        ) as place_for_absorbed,
        row_number() over (
            partition by other.kept_id, single.absorbed_source
            order by single.distance, other.distance, single.absorbed_id
        ) as place_for_kept
    from pairs as single
    inner join mutual
        on
            single.kept_id = mutual.kept_id
            and single.absorbed_source = mutual.absorbed_source
    inner join pairs as other
        on mutual.absorbed_id = other.absorbed_id and mutual.kept_source = other.kept_source
    left join mutual as taken
        on single.absorbed_id = taken.absorbed_id and single.kept_source = taken.kept_source
    left join mutual as used
        on other.kept_id = used.kept_id and single.absorbed_source = used.absorbed_source
    where taken.absorbed_id is null and used.kept_id is null
)

select user_id, absorbed_id, absorbed_source, kept_id, kept_source, distance from mutual
union all
select user_id, absorbed_id, absorbed_source, kept_id, kept_source, distance
from moved
where place_for_absorbed = 1 and place_for_kept = 1
