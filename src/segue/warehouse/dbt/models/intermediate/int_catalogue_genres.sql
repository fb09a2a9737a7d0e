-- The genres that catalogues give a track, all of its rows together.
with listed as (
    select refs.track_id, catalogue.genres
    from {{ ref('stg_catalogue') }} as catalogue
    inner join {{ ref('stg_track_refs') }} as refs on catalogue.track_ref = refs.track_ref
    where refs.track_id is not null
),

told as (
    {{ one_row_each('listed', 'genres', 'genre', ['track_id']) }}
)

select track_id, {{ sorted_set(lowered(trimmed('genre'))) }} as genres
from told
where {{ trimmed('genre') }} <> ''
group by track_id
