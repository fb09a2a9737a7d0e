-- What listening says of an album; audio features are means over its tracks, weighted by plays.
-- depends_on: {{ ref('int_touched_features') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_features', 'key': ['album_id']}},
) }}

with counts as (
    select
        tracks.album_id,
        cast(sum(counts.starts) as bigint) as starts,
        cast(sum(counts.plays) as bigint) as plays,
        cast(sum(counts.finishes) as bigint) as finishes,
        cast(sum(counts.skips) as bigint) as skips,
        min(days.listeners) as listeners,
        min(days.days) as days,
        cast(sum(counts.ms_played) as bigint) as ms_played,
        min(counts.first_played_at) as first_played_at,
        max(counts.last_played_at) as last_played_at
    from {{ ref('int_track_counts') }} as counts
    inner join {{ ref('tracks') }} as tracks on counts.track_id = tracks.track_id
    inner join {{ ref('int_album_days') }} as days on tracks.album_id = days.album_id
    {{ only_touched('tracks', 'int_touched_features', ['album_id']) }}
    group by tracks.album_id
),

{{ genres_of_tracks('album_id', 'int_touched_features') }},

sound as (
    {{ mean_sound('album_id') }}
)

select
    albums.album_id,
    albums.album,
    albums.artist_id,
    {{ listening_features() }}
    sound.tracks_played,
    albums.tracks,
    albums.year,
    genres.genres,
    {% for feature in measured_features() -%}
    sound.{{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('albums') }} as albums
inner join counts on albums.album_id = counts.album_id
left join genres on albums.album_id = genres.album_id
left join sound on albums.album_id = sound.album_id
cross join ({{ latest_play() }}) as latest
{{ only_touched('albums', 'int_touched_features', ['album_id']) }}
