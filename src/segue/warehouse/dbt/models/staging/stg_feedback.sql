select
    feedback.row_id,
    feedback.file_no,
    feedback.user_id,
    feedback.source,
    feedback.kind,
    feedback.verb,
    -- what a word is about: an artist and a span of time have no track of their own
    case when feedback.kind <> 'artist' then feedback.track_ref end as track_ref,
    case when feedback.kind = 'artist' then names.artist_id end as artist_id,

    feedback.since,
    feedback.until,
    feedback.said_at
from {{ source('raw', 'feedback') }} as feedback
left join {{ source('raw', 'artist_names') }} as names on feedback.artist = names.artist
