-- Questions are asked again after some time: the latest answer counts, for each user who asked.
with latest as (
    select
        *,
        max(told_at) over (partition by user_id, source, kind, asked) as last_told_at
    from {{ source('raw', 'answers') }}
)

select
    row_id,
    user_id,
    source,
    kind,
    subject_ref,
    track_ref,

    score
from latest
where told_at = last_told_at and track_ref is not null
