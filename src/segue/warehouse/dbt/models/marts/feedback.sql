with words as (
    select
        *,
        max(case when verb = 'undo' then place end) over (
            partition by user_id, kind, track_id, about_artist, since, until
        ) as undone,
        max(case when verb <> 'not_me' then place end) over (
            partition by user_id, kind, track_id, about_artist, since, until
        ) as latest
    from (
        select *, case when kind = 'artist' then artist_id end as about_artist
        from {{ ref('int_feedback') }}
    ) as said
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
