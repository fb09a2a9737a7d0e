-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id']}, 'in_slices': true},
) }}

with countries as (
    select
        user_id,
        country,
        row_number() over (partition by user_id order by count(*) desc, country) as place
    from {{ ref('int_plays_of_touched') }}
    where country is not null
    group by user_id, country
),

counts as (
    select
        user_id,
        count(case when counted and not not_me then 1 end) as plays,
        count(distinct case when counted and not not_me then track_id end) as tracks,
        count(distinct case when counted and not not_me then artist_id end) as artists,
        count(case when skipped and not not_me then 1 end) as skips,
        cast(coalesce(sum(case when not not_me then ms_played end), 0) as bigint) as ms_played,
        -- when an account was last used does not depend on who used it
        min(played_at) as first_played_at,
        max(played_at) as last_played_at
    from {{ ref('int_plays_of_touched') }}
    group by user_id
)

select
    counts.user_id,
    counts.plays,
    counts.tracks,
    counts.artists,
    counts.skips,
    counts.ms_played,
    counts.first_played_at,
    counts.last_played_at,
    countries.country
from counts
left join countries on counts.user_id = countries.user_id and countries.place = 1
