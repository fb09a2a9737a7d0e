-- What a user's listening is like; of counted plays that are their own.
-- depends_on: {{ ref('int_touched_users') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_users', 'key': ['user_id']}},
) }}

with counts as (
    select
        user_id,
        cast(sum(starts) as bigint) as starts,
        cast(sum(plays) as bigint) as plays,
        cast(sum(finishes) as bigint) as finishes,
        cast(sum(skips) as bigint) as skips,
        cast(sum(ms_played) as bigint) as ms_played,
        count(case when plays > 0 then 1 end) as tracks,
        count(case when plays = 1 then 1 end) as tracks_once
    from {{ ref('user_track_counts') }} as heard
    {{ only_touched('heard', 'int_touched_users', ['user_id']) }}
    group by user_id
),

artists as (
    select
        user_id,
        count(*) as artists,
        max(case when place = 1 then artist_id end) as top_artist_id,
        max(case when place = 1 then plays end) as top_artist_plays
    from (
        select
            user_id,
            artist_id,
            plays,
            row_number() over (partition by user_id order by plays desc, artist_id) as place
        from {{ ref('user_artist_counts') }} as heard
        where
            plays > 0
            {{ only_touched('heard', 'int_touched_users', ['user_id'], 'and') }}
    ) as ranked
    group by user_id
),

artist_genres as (
    {{ one_row_each(ref('artists'), 'genres', 'genre', ['artist_id']) }}
),

genres as (
    select user_id, genre
    from (
        select
            user_id,
            genre,
            row_number() over (partition by user_id order by sum(plays) desc, genre) as place
        from (
            select counts.user_id, artist_genres.genre, counts.plays
            from {{ ref('user_artist_counts') }} as counts
            inner join artist_genres on counts.artist_id = artist_genres.artist_id
            {{ only_touched('counts', 'int_touched_users', ['user_id']) }}
        ) as told
        group by user_id, genre
    ) as ranked
    where place = 1
),

days as (
    select
        user_id,
        count(*) as active_days,
        min(day) as first_day,
        max(day) as last_day
    from {{ ref('listening_days') }} as heard
    where
        plays > 0
        {{ only_touched('heard', 'int_touched_users', ['user_id'], 'and') }}
    group by user_id
),

hours as (
    select
        user_id,
        sum(case when hour < 6 then plays else 0 end) as night_plays,
        sum(case when weekday > 5 then plays else 0 end) as weekend_plays,
        max(case when place = 1 then hour end) as top_hour
    from (
        select
            user_id,
            hour,
            weekday,
            plays,
            dense_rank() over (partition by user_id order by hour_plays desc, hour) as place
        from (
            select *, sum(plays) over (partition by user_id, hour) as hour_plays
            from {{ ref('listening_clock') }} as heard
            {{ only_touched('heard', 'int_touched_users', ['user_id']) }}
        ) as summed
    ) as ranked
    group by user_id
),

longest as (
    select user_id, days
    from {{ ref('streaks') }} as rows_of_days
    where
        place = 1
        {{ only_touched('rows_of_days', 'int_touched_users', ['user_id'], 'and') }}
),

weeks as (
    select
        user_id,
        {{ share('sum(new_tracks)', 'sum(tracks)') }} as discovery_rate,
        {{ share('sum(plays) - sum(new_tracks)', 'sum(plays)') }} as repeat_rate
    from {{ ref('listening_weeks') }} as heard
    {{ only_touched('heard', 'int_touched_users', ['user_id']) }}
    group by user_id
),

sound as (
    {{ mean_sound('user_id') }}
)

select
    users.user_id,
    users.country,
    coalesce(counts.plays, 0) as plays,
    coalesce(counts.tracks, 0) as tracks,
    coalesce(artists.artists, 0) as artists,
    coalesce(counts.ms_played, 0) as ms_played,
    {{ share('counts.finishes', 'counts.plays') }} as finish_rate,
    {{ share('counts.skips', 'counts.starts') }} as skip_rate,
    weeks.discovery_rate,
    weeks.repeat_rate,
    {{ share('counts.tracks_once', 'counts.tracks') }} as once_share,
    artists.top_artist_id,
    {{ share('artists.top_artist_plays', 'counts.plays') }} as top_artist_share,
    genres.genre as top_genre,
    coalesce(days.active_days, 0) as active_days,
    days.first_day,
    days.last_day,
    coalesce(longest.days, 0) as longest_streak,
    hours.top_hour,
    {{ share('hours.night_plays', 'counts.plays') }} as night_share,
    {{ share('hours.weekend_plays', 'counts.plays') }} as weekend_share,
    {% for feature in measured_features() -%}
    sound.{{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref('users') }} as users
left join counts on users.user_id = counts.user_id
left join artists on users.user_id = artists.user_id
left join genres on users.user_id = genres.user_id
left join days on users.user_id = days.user_id
left join hours on users.user_id = hours.user_id
left join longest on users.user_id = longest.user_id
left join weeks on users.user_id = weeks.user_id
left join sound on users.user_id = sound.user_id
{{ only_touched('users', 'int_touched_users', ['user_id']) }}
