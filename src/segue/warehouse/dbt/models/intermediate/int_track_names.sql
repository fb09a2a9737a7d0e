-- The names a track goes by: those of its best reference, gaps filled from the others.
-- depends_on: {{ ref('int_retold_tracks') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_retold_tracks', 'key': ['track_id']}},
) }}

with ranked as (
    select
        *,
        row_number() over (
            partition by track_id
            order by
                case when title is null then 1 else 0 end,
                case when in_catalogue then 0 else 1 end,
                case when method in ('own', 'source_id') then 0 else 1 end,
                case when spotify_uri is null then 1 else 0 end,
                track_ref
        ) as place
    from {{ ref('int_known_refs') }} as refs
    where
        track_id is not null
        {{ only_touched('refs', 'int_retold_tracks', ['track_id'], 'and') }}
),

identities as (
    select
        track_id,
        min(artist_id) as artist_id,
        min(lead_artist) as lead_artist,
        min(spotify_uri) as spotify_uri,
        min(recording_mbid) as recording_mbid,
        min(isrc) as isrc,
        min(album) as album,
        {{ any_true('in_catalogue') }} as in_catalogue
    from ranked
    group by track_id
)

select
    best.track_id,
    best.title,
    case
        when {{ length_of('best.artists') }} > 1 then array_to_string(best.artists, ', ')
        else coalesce(best.artist, {{ first_of('best.artists') }})
    end as artist,
    case
        when {{ length_of('best.artists') }} > 0 then best.artists
        when best.artist is not null then {{ list_of('best.artist') }}
    end as artists,
    identities.artist_id,
    identities.lead_artist,
    coalesce(best.album, identities.album) as album,
    coalesce(best.spotify_uri, identities.spotify_uri) as spotify_uri,
    coalesce(best.recording_mbid, identities.recording_mbid) as recording_mbid,
    coalesce(best.isrc, identities.isrc) as isrc,
    identities.in_catalogue
from ranked as best
inner join identities on best.track_id = identities.track_id
where best.place = 1
