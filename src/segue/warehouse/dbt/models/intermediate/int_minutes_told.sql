-- One start in sixty is a whole minute by chance; with more of them, some export tells minutes only.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['user_id', 'source'],
) }}

with counts as (
    select
        user_id,
        source,
        count(*) as starts,
        count(case when {{ is_whole_minute(seconds('played_at')) }} then 1 end) as minutes
    from {{ source('raw', 'plays') }}
    where
        track_ref not like 'artist:%'
        {% if only_changes() %}and {{ in_new_files() }}{% endif %}
    group by user_id, source
),

sums as (
    {% if only_changes() %}
    select
        counts.user_id,
        counts.source,
        counts.starts + coalesce(known.starts, 0) as starts,
        counts.minutes + coalesce(known.minutes, 0) as minutes,
        known.is_minutes as was_minutes
    from counts
    left join {{ this }} as known
        on counts.user_id = known.user_id and counts.source = known.source
    {% else %}
    select counts.*, cast(null as boolean) as was_minutes
    from counts
    {% endif %}
)

select
    user_id,
    source,
    starts,
    minutes,
    minutes * 10 > starts as is_minutes,
    was_minutes,
    '{{ invocation_id }}' as changed_in
from sums
