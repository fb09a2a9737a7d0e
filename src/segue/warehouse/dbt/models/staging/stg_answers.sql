-- Questions are asked again after some time: the latest answer counts, whoever asked; for
-- recommendations the latest of each user.
with latest as (
    select
        *,
        max(told_at) over (
            partition by case when kind = 'recommended' then user_id end, source, kind, asked
        ) as last_told_at
    from {{ source('raw', 'answers') }}
)

select
    row_id,
    user_id,
    source,
    kind,
    subject_ref,
    track_ref,

    score,

    told_at
from latest
where told_at = last_told_at and track_ref is not null
