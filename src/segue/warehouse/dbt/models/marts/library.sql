select
    library.user_id,
    library.kind,
    refs.track_id,
    coalesce(refs.artist_id, library.artist_id) as artist_id,
    min(library.added_at) as added_at
from {{ ref('stg_library') }} as library
left join {{ ref('stg_track_refs') }} as refs on library.track_ref = refs.track_ref
where library.kind not in ('saved_track', 'banned_track') or refs.track_id is not null
group by library.user_id, library.kind, refs.track_id, coalesce(refs.artist_id, library.artist_id)
