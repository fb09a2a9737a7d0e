select
    row_id,
    crowd,
    listener_id,
    track_ref,
    session_id,

    coalesce(plays, 1) as plays,
    position,
    played_at
from {{ source('raw', 'crowd') }}
