-- An import adds what it found and the lake did not have: a track at a new position. Where another
-- track has since taken a position, the list has changed there: a track is out once all of its
-- positions are taken, and in again if it comes back later.
with entries as (
    select
        items.*,
        refs.track_id,
        min(items.file_no) over (
            partition by items.user_id, items.source, items.playlist, items.position
            order by items.file_no
            range between 1 following and unbounded following
        ) as taken_in
    from {{ ref('stg_playlist_items') }} as items
    inner join {{ ref('stg_track_refs') }} as refs on items.track_ref = refs.track_ref
    where refs.track_id is not null
),

imports as (
    select file_no, min(imported_at) as imported_at
    from {{ ref('stg_playlist_items') }}
    group by file_no
),

spans as (
    select
        entries.*,
        case
            when
                entries.file_no > max(coalesce(taken_in, {{ never() }})) over (
                    partition by user_id, source, playlist, track_id
                    order by file_no, position, row_id
                    rows between unbounded preceding and 1 preceding
                )
                then 1
            else 0
        end as comes_back
    from entries
),

stays as (
    select
        spans.*,
        sum(comes_back) over (
            partition by user_id, source, playlist, track_id
            order by file_no, position, row_id
            rows unbounded preceding
        ) + 1 as stay
    from spans
),

summed as (
    select
        user_id,
        source,
        playlist,
        track_id,
        stay,
        min(added_at) as added_at,
        min(file_no) as first_file,
        max(coalesce(taken_in, {{ never() }})) as last_file
    from stays
    group by user_id, source, playlist, track_id, stay
)

select
    summed.user_id,
    summed.source,
    summed.playlist,
    summed.track_id,
    cast(summed.stay as integer) as stay,
    coalesce(summed.added_at, arrived.imported_at) as entered_at,
    summed.added_at is not null as entry_told,
    gone.imported_at as left_at,
    summed.last_file = {{ never() }} as is_in
from summed
inner join imports as arrived on summed.first_file = arrived.file_no
left join imports as gone on summed.last_file = gone.file_no
