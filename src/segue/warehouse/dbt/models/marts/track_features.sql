-- What listening says of a track, beside what catalogues say.
with counts as (
    select
        track_id,
        cast(sum(starts) as bigint) as starts,
        cast(sum(plays) as bigint) as plays,
        cast(sum(finishes) as bigint) as finishes,
        cast(sum(skips) as bigint) as skips,
        count(case when plays > 0 then 1 end) as listeners,
        cast(sum(days) as bigint) as days,
        cast(sum(ms_played) as bigint) as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from {{ ref('user_track_counts') }}
    group by track_id
)

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
inner join counts on tracks.track_id = counts.track_id
cross join ({{ latest_play() }}) as latest
