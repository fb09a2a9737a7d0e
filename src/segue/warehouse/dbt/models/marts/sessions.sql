-- depends_on: {{ ref('int_touched_sessions') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_sessions', 'key': ['session_id']}, 'in_slices': true},
) }}

select
    session_id,
    user_id,
    min(played_at) as started_at,
    max(coalesce(ended_at, played_at)) as ended_at,
    count(case when counted then 1 end) as plays,
    count(distinct track_id) as tracks,
    count(case when skipped then 1 end) as skips,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played
from {{ ref('int_plays_of_touched') }} as plays
{{ only_touched('plays', 'int_touched_sessions', ['session_id']) }}
group by session_id, user_id
