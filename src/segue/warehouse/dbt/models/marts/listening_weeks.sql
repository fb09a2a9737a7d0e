-- A track is new in the week in which it was first counted. Every new track has one play that is
-- its first; all other plays repeat what was known.
-- depends_on: {{ ref('int_touched_plays') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id']}},
) }}

with new_tracks as (
    select user_id, {{ monday('first_counted_on') }} as week, count(*) as tracks
    from {{ ref('user_track_counts') }} as counts
    where
        first_counted_on is not null
        {{ only_touched('counts', 'int_touched_plays', ['user_id'], 'and') }}
    group by user_id, {{ monday('first_counted_on') }}
),

new_artists as (
    select user_id, {{ monday('first_counted_on') }} as week, count(*) as artists
    from {{ ref('user_artist_counts') }} as counts
    where
        first_counted_on is not null
        {{ only_touched('counts', 'int_touched_plays', ['user_id'], 'and') }}
    group by user_id, {{ monday('first_counted_on') }}
)

select
    weeks.user_id,
    weeks.week,
    weeks.plays,
    weeks.tracks,
    weeks.artists,
    weeks.ms_played,
    coalesce(new_tracks.tracks, 0) as new_tracks,
    coalesce(new_artists.artists, 0) as new_artists,
    {{ share('coalesce(new_tracks.tracks, 0)', 'weeks.tracks') }} as discovery_rate,
    {{ share('weeks.plays - coalesce(new_tracks.tracks, 0)', 'weeks.plays') }} as repeat_rate
from {{ ref('int_week_counts') }} as weeks
left join new_tracks on weeks.user_id = new_tracks.user_id and weeks.week = new_tracks.week
left join new_artists on weeks.user_id = new_artists.user_id and weeks.week = new_artists.week
{{ only_touched('weeks', 'int_touched_plays', ['user_id']) }}
