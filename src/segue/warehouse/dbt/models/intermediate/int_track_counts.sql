-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['track_id']}},
) }}

select
    track_id,
    cast(sum(starts) as bigint) as starts,
    cast(sum(plays) as bigint) as plays,
    cast(sum(finishes) as bigint) as finishes,
    cast(sum(skips) as bigint) as skips,
    count(case when plays > 0 then 1 end) as listeners,
    cast(sum(days) as bigint) as days,
    cast(sum(ms_played) as bigint) as ms_played,
    min(first_played_at) as first_played_at,
    max(last_played_at) as last_played_at
from {{ ref('user_track_counts') }} as counts
{{ only_touched('counts', 'int_touched_plays', ['track_id']) }}
group by track_id
