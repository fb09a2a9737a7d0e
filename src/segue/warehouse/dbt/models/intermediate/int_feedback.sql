-- What every word is about, and in which order they were said.
select
    said.row_id,
    said.user_id,
    said.source,
    said.kind,
    said.verb,
    refs.track_id,
    said.artist_id,

    said.since,
    said.until,
    said.said_at,
    row_number() over (
        partition by said.user_id order by said.said_at, said.file_no, said.row_id
    ) as place
from {{ ref('stg_feedback') }} as said
left join {{ ref('stg_track_refs') }} as refs on said.track_ref = refs.track_ref
-- without a track at all a word is about plays of a span; one whose track is not known says nothing
where
    case
        when said.kind = 'artist' then said.artist_id is not null
        else said.track_ref is null or refs.track_id is not null
    end
