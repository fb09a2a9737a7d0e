-- depends_on: {{ ref('int_touched_tracks') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_tracks', 'key': ['track_id']}},
) }}

with crowds as (
    select track_id, count(*) as crowd_listeners
    from {{ ref('crowd_counts') }} as listeners
    where
        track_id is not null
        {{ only_touched('listeners', 'int_touched_tracks', ['track_id'], 'and') }}
    group by track_id
)

select
    names.track_id,
    names.title,
    names.artist,
    names.artist_id,
    names.artists,
    names.album,
    {{ album_id('names.artist_id', 'names.album') }} as album_id,
    durations.duration_ms,
    facts.year,
    names.isrc,
    names.spotify_uri,
    names.recording_mbid,
    facts.explicit,
    facts.popularity,
    coalesce(genres.genres, tags.genres) as genres,
    {% for feature in audio_features() -%}
    facts.{{ feature }},
    {% endfor -%}
    names.in_catalogue,
    coalesce(played.plays, 0) as plays,
    coalesce(crowds.crowd_listeners, 0) as crowd_listeners
from {{ ref('int_track_names') }} as names
left join {{ ref('int_catalogue_tracks') }} as facts on names.track_id = facts.track_id
left join {{ ref('int_catalogue_genres') }} as genres on names.track_id = genres.track_id
left join {{ ref('int_artist_genres') }} as tags on names.artist_id = tags.artist_id
left join {{ ref('int_durations') }} as durations on names.track_id = durations.track_id
left join {{ ref('int_track_counts') }} as played on names.track_id = played.track_id
left join crowds on names.track_id = crowds.track_id
{{ only_touched('names', 'int_touched_tracks', ['track_id']) }}
