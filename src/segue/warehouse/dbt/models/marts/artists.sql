-- depends_on: {{ ref('int_touched_names') }} {{ ref('int_changed_genres') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_names', 'key': ['artist_id']}},
) }}

with spellings as (
    select
        artist_id,
        lead_artist,
        row_number() over (partition by artist_id order by count(*) desc, lead_artist) as place
    from {{ ref('int_known_refs') }} as refs
    where
        artist_id is not null
        and lead_artist is not null
        {{ only_touched('refs', 'int_touched_names', ['artist_id'], 'and') }}
    group by artist_id, lead_artist
),

tracks as (
    select artist_id, count(*) as tracks, sum(plays) as plays
    from {{ ref('tracks') }} as tracks
    {{ only_touched('tracks', 'int_touched_names', ['artist_id']) }}
    group by artist_id
),

{{ genres_of_tracks('artist_id') }},

crowds as (
    select artist_id, count(*) as crowd_listeners
    from (
        select distinct artist_id, crowd, listener_id from {{ ref('crowd_counts') }}
    ) as listeners
    group by artist_id
)

select
    spellings.artist_id,
    spellings.lead_artist as artist,
    coalesce(genres.genres, tags.genres) as genres,
    coalesce(tracks.tracks, 0) as tracks,
    cast(coalesce(tracks.plays, 0) as bigint) as plays,
    coalesce(crowds.crowd_listeners, 0) as crowd_listeners
from spellings
left join tracks on spellings.artist_id = tracks.artist_id
left join genres on spellings.artist_id = genres.artist_id
left join {{ ref('int_artist_genres') }} as tags on spellings.artist_id = tags.artist_id
left join crowds on spellings.artist_id = crowds.artist_id
where spellings.place = 1
