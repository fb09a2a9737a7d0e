-- The same play told by two sources. Pairs are mutual nearest neighbours, source by source: plays of
-- the same length first, then by time, so that a song on repeat keeps all of its plays. Further
-- rounds pair what is left over.
{% set reach_s = longest_play_s() %}
{% set rounds = 4 %}

with plays as (
    select
        row_id,
        user_id,
        track_id,
        source,
        source_rank,
        imprecision_s,
        ms_played,
        {{ seconds('played_at') }} as starts_at,
        least(
            coalesce({{ seconds('ended_at') }}, {{ seconds('played_at') }}),
            {{ seconds('played_at') }} + {{ reach_s }}
        ) as ends_at
    from {{ ref('int_plays_once_per_source') }}
    where user_id in (
        select user_id
        from {{ ref('int_plays_once_per_source') }}
        group by user_id
        having count(distinct source) > 1
    )
),

-- a play is looked for in its own six hours and in those before and after
windowed as (
    select plays.*, cast(floor(starts_at / {{ reach_s }}) as bigint) as reach
    from plays
),

reaching as (
    {% for step in [-1, 0, 1] %}
    select windowed.*, reach + {{ step }} as other_reach from windowed
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- one's start lies near the other's start, or within its span
near as (
    select
        one.row_id as one_id,
        one.source as one_source,
        one.source_rank as one_rank,
        other.row_id as other_id,
        other.source as other_source,
        other.source_rank as other_rank,
        case when one.ms_played = other.ms_played then 0 else 1 end as unlike,
        abs(one.starts_at - other.starts_at) as distance
    from reaching as one
    inner join windowed as other
        on
            one.user_id = other.user_id
            and one.track_id = other.track_id
            and one.other_reach = other.reach
    where
        one.source <> other.source
        and other.starts_at
        >= one.starts_at - {{ var('same_play_seconds') }} - one.imprecision_s - other.imprecision_s
        and other.starts_at
        <= greatest(one.ends_at, one.starts_at + {{ var('same_play_seconds') }})
        + one.imprecision_s + other.imprecision_s
),

pairs as (
    select distinct
        case when one_first then other_id else one_id end as absorbed_id,
        case when one_first then other_source else one_source end as absorbed_source,
        case when one_first then one_id else other_id end as kept_id,
        case when one_first then one_source else other_source end as kept_source,
        unlike,
        distance
    from (
        select
            *,
            one_rank < other_rank
            or (one_rank = other_rank and one_source < other_source) as one_first
        from near
    ) as ordered
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
    select absorbed_id, absorbed_source, kept_id, kept_source, distance
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
    select absorbed_id, absorbed_source, kept_id, kept_source, distance from round_{{ round }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- A play whose only partner is taken by one that could have another: it is that other's.
moved as (
    select
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

select absorbed_id, absorbed_source, kept_id, kept_source, distance from mutual
union all
select absorbed_id, absorbed_source, kept_id, kept_source, distance
from moved
where place_for_absorbed = 1 and place_for_kept = 1
