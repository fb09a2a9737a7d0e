-- A playlist that was imported again after it changed has a track at two positions: the latest
-- position counts, as the latest import ends the list.
with entries as (
    select
        items.*,
        refs.track_id,
        row_number() over (
            partition by items.user_id, items.playlist, refs.track_id
            order by items.added_at desc nulls last, items.position desc, items.row_id
        ) as place
    from {{ ref('stg_playlist_items') }} as items
    inner join {{ ref('stg_track_refs') }} as refs on items.track_ref = refs.track_ref
    where refs.track_id is not null
)

select
    user_id,
    playlist,
    cast(
        row_number() over (partition by user_id, playlist order by position, row_id) - 1 as integer
    ) as position,
    track_id,
    added_at
from entries
where place = 1
