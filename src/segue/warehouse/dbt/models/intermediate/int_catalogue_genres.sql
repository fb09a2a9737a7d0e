-- The genres that catalogues give a track, all of its rows together.
-- depends_on: {{ ref('int_retold_tracks') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_retold_tracks', 'key': ['track_id']}},
) }}

with listed as (
    select refs.track_id, catalogue.genres
    from {{ ref('stg_catalogue') }} as catalogue
    inner join {{ ref('int_known_refs') }} as refs on catalogue.track_ref = refs.track_ref
    where
        refs.track_id is not null
        {{ only_touched('refs', 'int_retold_tracks', ['track_id'], 'and') }}
),

told as (
    {{ one_row_each('listed', 'genres', 'genre', ['track_id']) }}
)

select track_id, {{ sorted_set(lowered(trimmed('genre'))) }} as genres
from told
where {{ trimmed('genre') }} <> ''
group by track_id
