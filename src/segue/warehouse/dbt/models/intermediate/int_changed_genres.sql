-- Artists whose genres are others than in the last build.
-- depends_on: {{ ref('int_touched_names') }} {{ ref('int_artist_genres') }}
{% if only_changes() %}
with {{ genres_of_tracks('artist_id') }}

select touched.artist_id
from {{ ref('int_touched_names') }} as touched
left join genres on touched.artist_id = genres.artist_id
left join {{ ref('int_artist_genres') }} as tags on touched.artist_id = tags.artist_id
left join {{ as_last_built('artists') }} as known on touched.artist_id = known.artist_id
where
    touched.artist_id is not null
    and {{ lists_differ('coalesce(genres.genres, tags.genres)', 'known.genres') }}
{% else %}
select artist_id
from {{ ref('tracks') }}
where 1 = 0
{% endif %}
