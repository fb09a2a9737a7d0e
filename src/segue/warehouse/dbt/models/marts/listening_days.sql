-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'day']}, 'in_slices': true},
) }}

with told as (
    select plays.*, cast({{ local_time('played_at') }} as date) as day
    from {{ ref('int_plays_of_touched') }} as plays
    where not not_me {{ near_touched_plays('played_at') }}
)

select
    user_id,
    day,
    {{ weekday('day') }} as weekday,
    {{ monday('day') }} as week,
    count(*) as starts,
    count(case when counted then 1 end) as plays,
    count(distinct case when counted then track_id end) as tracks,
    count(distinct case when counted then artist_id end) as artists,
    count(distinct session_id) as sessions,
    count(case when finished and counted then 1 end) as finishes,
    count(case when skipped then 1 end) as skips,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played
from told
{{ only_touched('told', 'int_touched_plays', ['user_id', 'day']) }}
group by user_id, day
