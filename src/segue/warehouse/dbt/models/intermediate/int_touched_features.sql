-- Tracks, albums and artists whose features may differ from those of the last build, one of them in
-- each row: all, once the latest play is of another day, from which `days_since` counts.
-- depends_on: {{ ref('int_touched_tracks') }} {{ ref('int_touched_names') }} {{ ref('int_track_counts') }}
{% set nothing = "cast(null as varchar(20))" %}
{% if only_changes() %}
with days as (
    select
        (select {{ utc_day('max(last_played_at)') }} from {{ ref('int_track_counts') }}) as day,
        (select {{ utc_day('max(last_played_at)') }} from {{ as_last_built('track_features') }}) as was_day
),

other_day as (
    select day from days where day is distinct from was_day
)

select track_id, {{ nothing }} as album_id, {{ nothing }} as artist_id
from {{ ref('int_touched_tracks') }}
union all
select {{ nothing }} as track_id, album_id, artist_id
from {{ ref('int_touched_names') }}
{% for column in ['track_id', 'album_id', 'artist_id'] %}
union all
select
    {% for other in ['track_id', 'album_id', 'artist_id'] -%}
    {{ 'features.' ~ other if other == column else nothing }} as {{ other }}{{ "," if not loop.last }}
    {% endfor -%}
from {{ as_last_built(column | replace('_id', '_features')) }} as features
cross join other_day
{% endfor %}
{% else %}
select track_id, album_id, artist_id
from {{ ref('tracks') }}
where 1 = 0
{% endif %}
