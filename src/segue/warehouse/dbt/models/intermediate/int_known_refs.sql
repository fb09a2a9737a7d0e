-- Which track the last build took each reference for, and whether that has changed since.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='track_ref') }}

select
    refs.track_ref,
    refs.track_id,
    refs.artist_id,
    {% if only_changes() %}known.track_ref is not null{% else %}false{% endif %} as was_known,
    {% if only_changes() %}known.track_id{% else %}cast(null as varchar(20)){% endif %} as was_track_id,
    '{{ invocation_id }}' as changed_in
from {{ ref('stg_track_refs') }} as refs
{% if only_changes() %}
left join {{ this }} as known on refs.track_ref = known.track_ref
{% endif %}
where
    refs.in_history
    {% if only_changes() %}
    and (
        known.track_ref is null
        or refs.track_id is distinct from known.track_id
        or refs.artist_id is distinct from known.artist_id
    )
    {% endif %}
