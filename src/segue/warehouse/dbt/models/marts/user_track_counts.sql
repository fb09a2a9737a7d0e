-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'track_id']}},
) }}

select
    user_id,
    track_id,
    count(case when counted then 1 end) as plays,
    count(case when finished and counted then 1 end) as finishes,
    count(case when skipped then 1 end) as skips,
    count(distinct case when counted then {{ utc_day('played_at') }} end) as days,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played,
    min(played_at) as first_played_at,
    max(played_at) as last_played_at,
    min(case when counted then cast({{ local_time('played_at') }} as date) end) as first_counted_on,
    count(*) as starts
from {{ ref('int_plays_of_touched') }} as plays
where
    not not_me
    {{ only_touched('plays', 'int_touched_plays', ['user_id', 'track_id'], 'and') }}
group by user_id, track_id
