select
    library.row_id,
    library.user_id,
    library.source,
    library.kind,
    library.track_ref,
    names.artist_id,

    library.added_at
from {{ source('raw', 'library') }} as library
left join {{ source('raw', 'artist_names') }} as names on library.artist = names.artist
