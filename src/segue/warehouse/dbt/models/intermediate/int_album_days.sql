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

heard as (
    select
        listed.album_id,
        count(distinct plays.user_id) as listeners,
        count(distinct plays.user_id || ' ' || cast({{ utc_day('plays.played_at') }} as varchar)) as days
    from {{ ref('plays') }} as plays
    inner join listed on plays.track_id = listed.track_id
    where plays.counted and not plays.not_me
    group by listed.album_id
)

select
    albums.album_id,
    coalesce(heard.listeners, 0) as listeners,
    coalesce(heard.days, 0) as days
from albums
left join heard on albums.album_id = heard.album_id
