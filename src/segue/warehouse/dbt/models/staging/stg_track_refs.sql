select
    refs.track_ref,
    matches.track_id,
    matches.artist_id,

    refs.title,
    refs.artist,
    refs.artists,
    refs.album,
    matches.lead_artist,
    coalesce(
        refs.spotify_uri,
        case when refs.track_ref like 'spotify:track:%' then refs.track_ref end
    ) as spotify_uri,
    coalesce(
        refs.recording_mbid, case when refs.track_ref like 'mbid:%' then substr(refs.track_ref, 6) end
    ) as recording_mbid,
    coalesce(
        refs.isrc, case when refs.track_ref like 'isrc:%' then substr(refs.track_ref, 6) end
    ) as isrc,

    matches.method,
    matches.score,
    refs.in_history,
    refs.in_catalogue,
    refs.in_crowd
from {{ source('raw', 'track_refs') }} as refs
inner join {{ source('raw', 'track_matches') }} as matches on refs.track_ref = matches.track_ref
