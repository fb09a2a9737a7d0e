-- depends_on: {{ ref('int_touched_names') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_names', 'key': ['album_id']}},
) }}

select
    album_id,
    min(album) as album,
    min(artist_id) as artist_id,
    min(year) as year,
    count(*) as tracks,
    cast(sum(plays) as bigint) as plays
from {{ ref('tracks') }} as tracks
where
    album_id is not null
    {{ only_touched('tracks', 'int_touched_names', ['album_id'], 'and') }}
group by album_id
