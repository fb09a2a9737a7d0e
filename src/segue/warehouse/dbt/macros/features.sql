{# What a user heard of each track or artist; plays that are not theirs do not count. #}
{% macro counts_of_users(key) -%}
select
    user_id,
    {{ key }},
    count(case when counted then 1 end) as plays,
    count(case when finished and counted then 1 end) as finishes,
    count(case when skipped then 1 end) as skips,
    {% if key == 'artist_id' -%}
    count(distinct case when counted then track_id end) as tracks,
    {% endif -%}
    count(distinct case when counted then {{ utc_day('played_at') }} end) as days,
    cast(coalesce(sum(ms_played), 0) as bigint) as ms_played,
    min(played_at) as first_played_at,
    max(played_at) as last_played_at,
    min(case when counted then cast({{ local_time('played_at') }} as date) end) as first_counted_on,
    count(*) as starts
from {{ ref('int_plays_of_touched') }} as plays
where
    not not_me
    and {{ key }} is not null
    {{ only_touched('plays', 'int_touched_plays', ['user_id', key], 'and') }}
group by user_id, {{ key }}
{%- endmacro %}

{# What is known of anything that was played, from `counts` and `latest`. #}
{% macro listening_features() -%}
counts.starts,
    counts.plays,
    counts.listeners,
    counts.days,
    counts.finishes,
    counts.skips,
    {{ share('counts.finishes', 'counts.plays') }} as finish_rate,
    {{ share('counts.skips', 'counts.starts') }} as skip_rate,
    counts.ms_played,
    counts.first_played_at,
    counts.last_played_at,
    cast({{ days_between(utc_day('counts.last_played_at'), utc_day('latest.played_at')) }} as integer) as days_since,
{%- endmacro %}

{# The latest play of anybody: how long ago others were is told from there, not from a clock. #}
{% macro latest_play() -%}
select max(last_played_at) as played_at from {{ ref('int_track_counts') }}
{%- endmacro %}

{# Means of audio features over the tracks of an artist, album or user, weighted by counted plays. #}
{% macro mean_sound(key) -%}
select
        {{ 'counts.user_id' if key == 'user_id' else 'tracks.' ~ key }},
        count(case when counts.plays > 0 then 1 end) as tracks_played,
        {% for feature in measured_features() -%}
        {{ exact_sum('tracks.' ~ feature ~ ' * counts.plays') }}
        / nullif(cast(sum(case when tracks.{{ feature }} is not null then counts.plays end) as double precision), 0)
            as {{ feature }}{{ "," if not loop.last }}
        {% endfor -%}
    from {{ ref('user_track_counts' if key == 'user_id' else 'int_track_counts') }} as counts
    inner join {{ ref('tracks') }} as tracks on counts.track_id = tracks.track_id
    {% if key == 'user_id' -%}
    {{ only_touched('counts', 'int_touched_users', ['user_id']) }}
    {% else -%}
    where
        tracks.{{ key }} is not null
        {{ only_touched('tracks', 'int_touched_features', [key], 'and') }}
    {% endif -%}
    group by {{ 'counts.user_id' if key == 'user_id' else 'tracks.' ~ key }}
{%- endmacro %}

{# Expressions of a query: the genres that the tracks of an album or artist have, as a sorted list. #}
{% macro genres_of_tracks(key, touched='int_touched_names') -%}
labelled as (
    select {{ key }}, genres
    from {{ ref('tracks') }} as tracks
    where
        {{ key }} is not null
        {{ only_touched('tracks', touched, [key], 'and') }}
),

genres as (
    select {{ key }}, {{ sorted_set('genre') }} as genres
    from (
        {{ one_row_each('labelled', 'genres', 'genre', [key]) }}
    ) as told
    group by {{ key }}
)
{%- endmacro %}

{# What is known of a reference: the columns of stg_track_refs. #}
{% macro ref_columns() %}
{{ return([
    'track_ref', 'track_id', 'artist_id', 'title', 'artist', 'artists', 'album', 'lead_artist',
    'spotify_uri', 'recording_mbid', 'isrc', 'method', 'score', 'in_history', 'in_catalogue', 'in_crowd',
]) }}
{% endmacro %}
