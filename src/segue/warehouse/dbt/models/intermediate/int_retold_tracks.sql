-- Tracks of which references, catalogues, crowds or tags may tell something else than in the last
-- build, and tracks that are gone.
-- depends_on: {{ ref('int_changed_refs') }} {{ source('raw', 'loads') }} {{ source('raw', 'catalogue') }}
{% if only_changes() %}
select track_id
from {{ ref('int_changed_refs') }}
where track_id is not null
union
select was_track_id as track_id
from {{ ref('int_changed_refs') }}
where was_track_id is not null
union
select refs.track_id
from {{ ref('int_known_refs') }} as refs
where
    refs.track_id is not null
    and refs.track_ref in (select track_ref from {{ source('raw', 'catalogue') }} where {{ in_new_catalogues() }})
union
select track_id
from {{ ref('int_known_refs') }}
where track_id is not null and {{ other_facts() }}
{% else %}
select track_id
from {{ ref('int_known_refs') }}
where 1 = 0
{% endif %}
