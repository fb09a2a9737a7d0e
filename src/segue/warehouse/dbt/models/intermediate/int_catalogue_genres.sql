-- The genres that catalogues give a track, all of its rows together.
with told as (
    select
        refs.track_id,
        {{ each('catalogue.genres') }} as genre
    from {{ ref('stg_catalogue') }} as catalogue
    inner join {{ ref('stg_track_refs') }} as refs on catalogue.track_ref = refs.track_ref
    where refs.track_id is not null
)

select track_id, {{ sorted_set(lowered(trimmed('genre'))) }} as genres
from told
where {{ trimmed('genre') }} <> ''
group by track_id
