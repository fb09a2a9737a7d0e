with words as (
    select
        *,
        max(case when verb = 'undo' then place end) over (
            partition by user_id, kind, track_id, artist_id, since, until
        ) as undone,
        max(case when verb <> 'not_me' then place end) over (
            partition by user_id, kind, track_id, artist_id, since, until
        ) as latest
    from {{ ref('int_feedback') }}
)

select
    user_id,
    place,
    source,
    kind,
    verb,
    track_id,
    artist_id,
    since,
    until,
    said_at,
    case verb
        when 'undo' then false
        when 'not_me' then place > coalesce(undone, 0)
        else place = latest
    end as stands
from words
