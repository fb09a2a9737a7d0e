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
    {{ '' if key == 'user_id' else 'where tracks.' ~ key ~ ' is not null' }}
    group by {{ 'counts.user_id' if key == 'user_id' else 'tracks.' ~ key }}
{%- endmacro %}
