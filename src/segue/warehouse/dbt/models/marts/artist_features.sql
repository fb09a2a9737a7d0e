-- What listening says of an artist; audio features are means over their tracks, weighted by plays.
-- depends_on: {{ ref('int_touched_features') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_features', 'key': ['artist_id']}},
) }}

with counts as (
    select
        artist_id,
        cast(sum(starts) as bigint) as starts,
        cast(sum(plays) as bigint) as plays,
        cast(sum(finishes) as bigint) as finishes,
        cast(sum(skips) as bigint) as skips,
        count(case when plays > 0 then 1 end) as listeners,
        cast(sum(days) as bigint) as days,
        cast(sum(ms_played) as bigint) as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from {{ ref('user_artist_counts') }} as listened
    {{ only_touched('listened', 'int_touched_features', ['artist_id']) }}
    group by artist_id
),

sound as (
    {{ mean_sound('artist_id') }}
)

select
    artists.artist_id,
    artists.artist,
    {{ listening_features() }}
    sound.tracks_played,
    artists.tracks,
    artists.genres,
    {% for feature in measured_features() -%}
    sound.{{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('artists') }} as artists
inner join counts on artists.artist_id = counts.artist_id
left join sound on artists.artist_id = sound.artist_id
cross join ({{ latest_play() }}) as latest
{{ only_touched('artists', 'int_touched_features', ['artist_id']) }}
