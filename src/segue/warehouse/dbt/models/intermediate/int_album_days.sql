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
{% endif %}

select
    albums.album_id,
    albums.members,
    count(distinct case when plays.counted then plays.user_id end) as listeners,
    count(distinct case when plays.counted then plays.user_id || ' ' || cast({{ utc_day('plays.played_at') }} as varchar) end)
        as days
from albums
inner join {{ ref('tracks') }} as tracks on albums.album_id = tracks.album_id
left join {{ ref('plays') }} as plays on tracks.track_id = plays.track_id and not plays.not_me
{% if only_changes() %}
where albums.album_id in (select album_id from touched)
{% endif %}
group by albums.album_id, albums.members
