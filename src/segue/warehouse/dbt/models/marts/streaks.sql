-- Days in a row share the day that lies before the first of them by their number.
-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id']}},
) }}

with numbered as (
    select
        user_id,
        day,
        plays,
        {{ minus_days('day', 'row_number() over (partition by user_id order by day)') }} as anchor
    from {{ ref('listening_days') }} as days
    where
        plays > 0
        {{ only_touched('days', 'int_touched_plays', ['user_id'], 'and') }}
),

rows_of_days as (
    select
        user_id,
        min(day) as started_on,
        max(day) as ended_on,
        count(*) as days,
        cast(sum(plays) as bigint) as plays
    from numbered
    group by user_id, anchor
)

select
    user_id,
    started_on,
    ended_on,
    days,
    plays,
    row_number() over (partition by user_id order by days desc, started_on) as place
from rows_of_days
