-- Which album a track was last known to be on, and whether that is another since the last build.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='track_id') }}

select
    {% if only_changes() %}
    coalesce(tracks.track_id, known.track_id) as track_id,
    tracks.album_id,
    known.album_id as was_album_id,
    {% else %}
    tracks.track_id,
    tracks.album_id,
    cast(null as varchar(20)) as was_album_id,
    {% endif %}
    '{{ invocation_id }}' as changed_in
from {{ ref('tracks') }} as tracks
{% if only_changes() %}
full outer join {{ this }} as known on tracks.track_id = known.track_id
where tracks.album_id is distinct from known.album_id
{% endif %}
