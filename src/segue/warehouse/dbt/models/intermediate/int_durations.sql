-- How long a track is: as a catalogue says, else as a source says, else the longest it was heard
-- when it was not cut off by hand.
-- depends_on: {{ ref('int_changed_tracks') }} {{ ref('int_retold_tracks') }}
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='track_id') }}

with {% if only_changes() %}looked_at as (
    select track_id from {{ ref('int_changed_tracks') }}
    union
    select track_id from {{ ref('int_retold_tracks') }}
),

{% endif %}heard as (
    select
        track_id,
        max(told_ms) as told_ms,
        max(done_ms) as done_ms,
        max(longest_ms) as longest_ms
    from {{ ref('int_track_lengths') }}
    group by track_id
),

today as (
    select
        coalesce(catalogue.track_id, heard.track_id) as track_id,
        catalogue.duration_ms as catalogue_ms,
        coalesce(heard.told_ms, nullif(heard.done_ms, 0), heard.longest_ms) as heard_ms
    from (
        select track_id, duration_ms
        from {{ ref('int_catalogue_tracks') }}
        {% if only_changes() %}where track_id in (select track_id from looked_at){% endif %}
    ) as catalogue
    full outer join heard on catalogue.track_id = heard.track_id
)

{% if only_changes() %},

-- a track that nobody has touched was heard for as long as before
compared as (
    select
        coalesce(today.track_id, known.track_id) as track_id,
        today.catalogue_ms,
        case when changed.track_id is null then known.heard_ms else today.heard_ms end as heard_ms,
        known.track_id is null as is_new,
        known.heard_ms as known_ms,
        known.duration_ms as was_ms
    from today
    full outer join (
        select * from {{ this }} where track_id in (select track_id from looked_at)
    ) as known on today.track_id = known.track_id
    left join {{ ref('int_changed_tracks') }} as changed
        on coalesce(today.track_id, known.track_id) = changed.track_id
)

select
    track_id,
    coalesce(catalogue_ms, heard_ms) as duration_ms,
    heard_ms,
    not is_new as was_known,
    was_ms,
    '{{ invocation_id }}' as changed_in
from compared
where
    is_new
    or heard_ms is distinct from known_ms
    or coalesce(catalogue_ms, heard_ms) is distinct from was_ms
{% else %}

select
    track_id,
    coalesce(catalogue_ms, heard_ms) as duration_ms,
    heard_ms,
    false as was_known,
    cast(null as bigint) as was_ms,
    '{{ invocation_id }}' as changed_in
from today
{% endif %}
