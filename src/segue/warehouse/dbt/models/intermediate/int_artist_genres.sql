-- The tags that stand for an artist's genres: the five strongest with a tenth of the weight or more.
with weights as (
    select artist_id, tag, {{ exact_sum('weight') }} as weight
    from {{ ref('stg_artist_tags') }}
    where tag not in (
        'seen live', 'favorites', 'favourites', 'favorite', 'favourite', 'awesome', 'love',
        'love it', 'loved', 'beautiful', 'amazing', 'best', 'cool', 'good', 'check out', 'spotify',
        'my music', 'albums i own', 'under 2000 listeners', 'all'
    )
    group by artist_id, tag
),

shares as (
    select
        artist_id,
        tag,
        weight / sum(weight) over (partition by artist_id) as share,
        row_number() over (partition by artist_id order by weight desc, tag) as place
    from weights
    where weight > 0
)

select artist_id, {{ sorted_set('tag') }} as genres
from shares
where place <= 5 and share >= 0.1
group by artist_id
