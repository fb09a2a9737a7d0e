with countries as (
    select
        user_id,
        country,
        row_number() over (partition by user_id order by count(*) desc, country) as place
    from {{ ref('plays') }}
    where country is not null
    group by user_id, country
),

counts as (
    select
        user_id,
        count(case when counted and not not_me then 1 end) as plays,
        count(distinct case when counted and not not_me then track_id end) as tracks,
        count(distinct case when counted and not not_me then artist_id end) as artists,
        count(case when skipped and not not_me then 1 end) as skips,
        cast(coalesce(sum(case when not not_me then ms_played end), 0) as bigint) as ms_played,
        -- when an account was last used does not depend on who used it
        min(played_at) as first_played_at,
        max(played_at) as last_played_at
    from {{ ref('plays') }}
    group by user_id
),

everybody as (
    select user_id from counts
    union
    select user_id from {{ ref('library') }}
    union
    select user_id from {{ ref('playlist_tracks') }}
    union
    select user_id from {{ ref('feedback') }}
)

select
    everybody.user_id,
    coalesce(counts.plays, 0) as plays,
    coalesce(counts.tracks, 0) as tracks,
    coalesce(counts.artists, 0) as artists,
    coalesce(counts.skips, 0) as skips,
    coalesce(counts.ms_played, 0) as ms_played,
    counts.first_played_at,
    counts.last_played_at,
    countries.country
from everybody
left join counts on everybody.user_id = counts.user_id
left join countries on everybody.user_id = countries.user_id and countries.place = 1
