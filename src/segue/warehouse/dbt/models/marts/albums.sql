select
    album_id,
    min(album) as album,
    min(artist_id) as artist_id,
    min(year) as year,
    count(*) as tracks,
    cast(sum(plays) as bigint) as plays
from {{ ref('tracks') }}
where album_id is not null
group by album_id
