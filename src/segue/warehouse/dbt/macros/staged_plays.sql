{#
  The plays of one source under the names that every source shares.

  source_rank: of two sources that tell of the same play, the lower rank is believed.
  imprecision_s: how far off, in seconds, the times of this source may be.
#}
{% macro staged_plays(condition, source_rank, imprecision_s=0) %}
select
    row_id,
    user_id,
    track_ref,
    source,
    {{ source_rank }} as source_rank,
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

{# The sources with a staging model of their own; every other source goes to stg_other_plays. #}
{% macro known_sources() %}
{{ return(['spotify_export', 'spotify_api', 'spotify_account', 'listenbrainz', 'lastfm', 'koito', 'maloja']) }}
{% endmacro %}
