-- References that are new, gone, or told of in another way since the last build.
{% if only_changes() %}
select
    coalesce(refs.track_ref, known.track_ref) as track_ref,
    refs.track_id,
    refs.artist_id,
    known.track_ref is not null as was_known,
    known.track_id as was_track_id,
    known.artist_id as was_artist_id
from (
    select * from {{ ref('stg_track_refs') }} as told {{ maybe_retold('told') }}
) as refs
full outer join (
    select * from {{ as_last_built('int_known_refs', 'intermediate') }} as told {{ maybe_retold('told') }}
) as known
    on refs.track_ref = known.track_ref
where
    refs.track_ref is null
    or known.track_ref is null
    {% for column in ref_columns() if column not in ('track_ref', 'artists') -%}
    or refs.{{ column }} is distinct from known.{{ column }}
    {% endfor -%}
    or {{ lists_differ('refs.artists', 'known.artists') }}
{% else %}
select
    track_ref,
    track_id,
    artist_id,
    false as was_known,
    track_id as was_track_id,
    artist_id as was_artist_id
from {{ ref('stg_track_refs') }}
where 1 = 0
{% endif %}
