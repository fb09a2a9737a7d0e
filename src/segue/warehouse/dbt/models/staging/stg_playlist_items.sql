select
    row_id,
    user_id,
    source,
    playlist,
    track_ref,

    position,
    added_at
from {{ source('raw', 'playlist_items') }}
