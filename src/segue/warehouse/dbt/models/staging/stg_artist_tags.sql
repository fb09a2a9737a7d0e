select
    tags.crowd,
    names.artist_id,
    {{ lowered(trimmed('tags.tag')) }} as tag,
    coalesce(tags.weight, 1) as weight
from {{ source('raw', 'artist_tags') }} as tags
inner join {{ source('raw', 'artist_names') }} as names on tags.artist = names.artist
where {{ trimmed('tags.tag') }} <> ''
