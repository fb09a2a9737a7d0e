-- Recommendations are about a user, likeness is about a track, whoever asked for it. What was told
-- last counts; two who asked at the same moment were told the same, or the higher score counts.
with told as (
    select
        answers.source,
        answers.kind,
        case when answers.kind = 'recommended' then answers.user_id else subjects.track_id end as subject,
        others.track_id,
        answers.score,
        answers.told_at
    from {{ ref('stg_answers') }} as answers
    inner join {{ ref('stg_track_refs') }} as others on answers.track_ref = others.track_ref
    left join {{ ref('stg_track_refs') }} as subjects on answers.subject_ref = subjects.track_ref
    where answers.kind in ('similar_track', 'similar_artist', 'recommended')
),

ranked as (
    select
        told.*,
        row_number() over (
            partition by source, kind, subject, track_id order by told_at desc, score desc
        ) as place
    from told
    where subject is not null and track_id is not null and subject <> track_id and score > 0
)

select source, kind, subject, track_id, score, told_at
from ranked
where place = 1
