-- How long tracks are by what sources say of plays; a full build tells of a track in several rows.
-- depends_on: {{ ref('int_plays_once') }} {{ ref('int_changed_users') }} {{ ref('int_changed_tracks') }}
{{ config(meta={'in_slices': true}) }}
{% set some = '1 = 1' %}
{% if only_changes() %}{% set some = 'track_id in (select track_id from ' ~ ref('int_changed_tracks') ~ ')' %}{% endif %}

select
    track_id,
    max(duration_ms) as told_ms,
    max(case when reason_end = 'trackdone' then ms_played end) as done_ms,
    max(
        case
            when
                reason_end is null
                and not coalesce(skipped, false)
                and ms_played >= {{ var('counted_ms') }}
                then ms_played
        end
    ) as longest_ms
from {{ all_plays(some) }} as plays
group by track_id
