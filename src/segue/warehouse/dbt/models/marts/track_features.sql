-- What listening says of a track, beside what catalogues say.
-- depends_on: {{ ref('int_touched_features') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_features', 'key': ['track_id']}},
) }}

select
    tracks.track_id,
    tracks.title,
    tracks.artist_id,
    tracks.artist,
    tracks.album_id,
    {{ listening_features() }}
    tracks.duration_ms,
    tracks.year,
    tracks.popularity,
    tracks.genres,
    {% for feature in audio_features() -%}
    tracks.{{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('tracks') }} as tracks
inner join {{ ref('int_track_counts') }} as counts on tracks.track_id = counts.track_id
cross join ({{ latest_play() }}) as latest
{{ only_touched('tracks', 'int_touched_features', ['track_id']) }}
