-- Recommendations are about a user, likeness is about a track, whoever asked for it.
with told as (
    select
        answers.source,
        answers.kind,
        case when answers.kind = 'recommended' then answers.user_id else subjects.track_id end as subject,
        others.track_id,
        answers.score
    from {{ ref('stg_answers') }} as answers
    inner join {{ ref('stg_track_refs') }} as others on answers.track_ref = others.track_ref
    left join {{ ref('stg_track_refs') }} as subjects on answers.subject_ref = subjects.track_ref
    where answers.kind in ('similar_track', 'similar_artist', 'recommended')
)

select source, kind, subject, track_id, max(score) as score
from told
where subject is not null and track_id is not null and subject <> track_id and score > 0
group by source, kind, subject, track_id
