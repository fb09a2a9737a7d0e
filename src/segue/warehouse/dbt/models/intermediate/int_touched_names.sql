-- Albums and artists whose rows may differ from those of the last build: one of them in each row.
-- depends_on: {{ ref('int_touched_tracks') }} {{ ref('int_touched_plays') }}
-- depends_on: {{ ref('int_changed_refs') }} {{ ref('int_known_refs') }} {{ source('raw', 'loads') }}
{% set nothing = "cast(null as varchar(20))" %}
{% if only_changes() %}
with now as (
    select album_id, artist_id
    from {{ ref('tracks') }} as tracks
    {{ only_touched('tracks', 'int_touched_tracks', ['track_id']) }}
),

artists as (
    select artist_id from now
    union
    select was_artist_id as artist_id from {{ ref('int_touched_tracks') }}
    union
    select artist_id from {{ ref('int_touched_plays') }}
    union
    select artist_id from {{ ref('int_changed_refs') }}
    union
    select was_artist_id as artist_id from {{ ref('int_changed_refs') }}
    union
    select artist_id from {{ ref('int_known_refs') }} where {{ other_facts() }}
),

albums as (
    select album_id from now
    union
    select was_album_id as album_id from {{ ref('int_touched_tracks') }}
)

select album_id, {{ nothing }} as artist_id
from albums
where album_id is not null
union all
select {{ nothing }} as album_id, artist_id
from artists
where artist_id is not null
{% else %}
select album_id, artist_id
from {{ ref('tracks') }}
where 1 = 0
{% endif %}
