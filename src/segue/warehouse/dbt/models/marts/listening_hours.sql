-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'day']}, 'in_slices': true},
) }}

with told as (
    select
        user_id,
        cast({{ local_time('played_at') }} as date) as day,
        {{ hour_of(local_time('played_at')) }} as hour,
        counted,
        finished,
        skipped,
        ms_played
    from {{ ref('int_plays_of_touched') }}
    where not not_me {{ near_touched_plays('played_at') }}
)

select
    user_id,
    day,
    hour,
    {{ weekday('day') }} as weekday,
    count(*) as starts,
    count(case when counted then 1 end) as plays,
    count(case when finished and counted then 1 end) as finishes,
    count(case when skipped then 1 end) as skips,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played
from told
{{ only_touched('told', 'int_touched_plays', ['user_id', 'day']) }}
group by user_id, day, hour
