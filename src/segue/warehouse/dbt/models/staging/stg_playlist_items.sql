select
    items.row_id,
    items.file_no,
    items.user_id,
    items.source,
    items.playlist,
    items.track_ref,

    items.position,
    items.added_at,
    imports.imported_at
from {{ source('raw', 'playlist_items') }} as items
left join (
    select file_no, min({{ imported_at('piece') }}) as imported_at
    from {{ source('raw', 'loads') }}
    where table_name = 'playlist_items'
    group by file_no
) as imports on items.file_no = imports.file_no
