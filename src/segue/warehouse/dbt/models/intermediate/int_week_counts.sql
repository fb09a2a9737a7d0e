-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'week']}, 'in_slices': true},
) }}

with told as (
    select
        user_id,
        track_id,
        artist_id,
        ms_played,
        {{ monday('cast(' ~ local_time('played_at') ~ ' as date)') }} as week
    from {{ ref('int_plays_of_touched') }}
    where counted and not not_me {{ near_touched_plays('played_at') }}
)

select
    user_id,
    week,
    count(*) as plays,
    count(distinct track_id) as tracks,
    count(distinct artist_id) as artists,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played
from told
{{ only_touched('told', 'int_touched_plays', ['user_id', 'week']) }}
group by user_id, week
