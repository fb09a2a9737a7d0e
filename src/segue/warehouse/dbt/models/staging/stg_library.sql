select
    library.row_id,
    library.user_id,
    library.source,
    library.kind,
    -- what a row is about: an album or an artist has no track
    case when library.kind in ('saved_track', 'banned_track') then library.track_ref end as track_ref,
    names.artist_id,

    library.added_at
from {{ source('raw', 'library') }} as library
left join {{ source('raw', 'artist_names') }} as names on library.artist = names.artist
