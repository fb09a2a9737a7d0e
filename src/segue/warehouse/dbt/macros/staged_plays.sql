{#
  The plays of one source under the names that every source shares.

  imprecision_s: how far off, in seconds, the times of this source may be.
#}
{% macro staged_plays(condition, imprecision_s=0) %}
select
    row_id,
    user_id,
    track_ref,
    source,
    {{ imprecision_s }} as imprecision_s,

    played_at,
    coalesce(ended_at, {{ plus_ms('played_at', 'ms_played') }}) as ended_at,
    ms_played,
    duration_ms,

    nullif({{ lowered(trimmed('reason_start')) }}, '') as reason_start,
    nullif({{ lowered(trimmed('reason_end')) }}, '') as reason_end,
    skipped,
    shuffle,
    offline,
    incognito,
    platform,
    country
from {{ ref('base_plays') }}
where {{ condition }}
{% endmacro %}

{#
  The sources with a staging model of their own, the most believed first; every other source goes to
  stg_other_plays.
#}
{% macro known_sources() %}
{{ return(['spotify_export', 'spotify_api', 'spotify_account', 'listenbrainz', 'lastfm', 'koito', 'maloja']) }}
{% endmacro %}

{# Which of two sources is believed: the one of the lower number, of others the first by name. #}
{% macro rank_of(source) -%}
case {{ source }}
    {%- for name in known_sources() %} when '{{ name }}' then {{ loop.index }}{% endfor %} else 99
end
{%- endmacro %}
