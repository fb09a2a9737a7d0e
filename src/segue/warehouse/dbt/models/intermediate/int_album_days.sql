-- How many days an album was played on, and by whom. Kept between builds as long as an album has
-- the same tracks and none of them was touched.
-- depends_on: {{ ref('int_touched_plays') }}
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='album_id') }}

with albums as (
    select
        album_id,
        md5({{ dbt.listagg('track_id', "','", 'order by track_id') }}) as members
    from {{ ref('tracks') }}
    where album_id is not null
    group by album_id
)

{% if only_changes() %},

touched as (
    select albums.album_id
    from albums
    left join {{ this }} as known on albums.album_id = known.album_id
    where albums.members is distinct from known.members
    union
    select tracks.album_id
    from {{ ref('tracks') }} as tracks
    where
        tracks.album_id is not null
        and tracks.track_id in (select track_id from {{ ref('int_touched_plays') }})
)
{% endif %},

heard as (
    select
        tracks.album_id,
        count(distinct plays.user_id) as listeners,
        count(distinct plays.user_id || ' ' || cast({{ utc_day('plays.played_at') }} as varchar)) as days
    from {{ ref('plays') }} as plays
    inner join {{ ref('tracks') }} as tracks on plays.track_id = tracks.track_id
    where
        plays.counted
        and not plays.not_me
        {% if only_changes() %}
        and plays.track_id in (
            select track_id from {{ ref('tracks') }} where album_id in (select album_id from touched)
        )
        {% else %}
        and tracks.album_id is not null
        {% endif %}
    group by tracks.album_id
)

select
    albums.album_id,
    albums.members,
    coalesce(heard.listeners, 0) as listeners,
    coalesce(heard.days, 0) as days
from albums
left join heard on albums.album_id = heard.album_id
{% if only_changes() %}
where albums.album_id in (select album_id from touched)
{% endif %}
