-- How many days an album was played on, and by whom. Kept between builds as long as an album has
-- the same tracks and nobody touched what was heard of them.
-- depends_on: {{ ref('int_touched_tracks') }}
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='album_id') }}

with {% if only_changes() %}touched as (
    select touched.was_album_id, tracks.album_id
    from {{ ref('int_touched_tracks') }} as touched
    left join {{ ref('tracks') }} as tracks on touched.track_id = tracks.track_id
    where touched.is_heard or tracks.album_id is distinct from touched.was_album_id
),

{% endif %}albums as (
    select distinct album_id
    from {{ ref('tracks') }}
    where album_id is not null
    {% if only_changes() %}
    and album_id in (
        select album_id from touched where album_id is not null
        union all
        select was_album_id from touched where was_album_id is not null
    )
    {% endif %}
),

listed as (
    select tracks.track_id, tracks.album_id
    from {{ ref('tracks') }} as tracks
    inner join albums on tracks.album_id = albums.album_id
),

-- whoever heard one track of an album heard the album on as many days
heard_tracks as (
    select
        listed.album_id,
        counts.user_id,
        count(*) as tracks,
        max(counts.days) as days
    from {{ ref('user_track_counts') }} as counts
    inner join listed on counts.track_id = listed.track_id
    where counts.plays > 0
    group by listed.album_id, counts.user_id
),

-- two of its tracks may have been heard on one day
heard_more as (
    select several.album_id, plays.user_id, count(distinct {{ utc_day('plays.played_at') }}) as days
    from {{ ref('plays') }} as plays
    inner join (
        select counts.user_id, counts.track_id, listed.album_id
        from {{ ref('user_track_counts') }} as counts
        inner join listed on counts.track_id = listed.track_id
        inner join heard_tracks
            on listed.album_id = heard_tracks.album_id and counts.user_id = heard_tracks.user_id
        where counts.plays > 0 and heard_tracks.tracks > 1
    ) as several on plays.user_id = several.user_id and plays.track_id = several.track_id
    where plays.counted and not plays.not_me
    group by several.album_id, plays.user_id
),

heard as (
    select
        heard_tracks.album_id,
        count(*) as listeners,
        cast(sum(coalesce(heard_more.days, heard_tracks.days)) as bigint) as days
    from heard_tracks
    left join heard_more
        on
            heard_tracks.album_id = heard_more.album_id
            and heard_tracks.user_id = heard_more.user_id
    group by heard_tracks.album_id
)

select
    albums.album_id,
    coalesce(heard.listeners, 0) as listeners,
    coalesce(heard.days, 0) as days
from albums
left join heard on albums.album_id = heard.album_id
