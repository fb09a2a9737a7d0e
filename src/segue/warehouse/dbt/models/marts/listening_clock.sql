-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id']}},
) }}

select
    user_id,
    weekday,
    hour,
    cast(sum(starts) as bigint) as starts,
    cast(sum(plays) as bigint) as plays,
    cast(sum(finishes) as bigint) as finishes,
    cast(sum(skips) as bigint) as skips,
    cast(sum(ms_played) as bigint) as ms_played,
    count(case when plays > 0 then 1 end) as days
from {{ ref('listening_hours') }} as hours
{{ only_touched('hours', 'int_touched_plays', ['user_id']) }}
group by user_id, weekday, hour
