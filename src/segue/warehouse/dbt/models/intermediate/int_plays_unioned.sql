{{ config(materialized='view') }}

with plays as (
    {% for source in known_sources() %}
    select * from {{ ref('stg_' ~ source) }}
    union all
    {% endfor %}
    select * from {{ ref('stg_other_plays') }}
)

select
    plays.*,
    refs.track_id,
    refs.artist_id
from plays
inner join {{ ref('stg_track_refs') }} as refs on plays.track_ref = refs.track_ref
where refs.track_id is not null
