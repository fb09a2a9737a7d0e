select
    track_ref,
    track_id,
    method,
    score,
    in_history,
    in_catalogue,
    in_crowd
from {{ ref('stg_track_refs') }}
