-- Each play once, with the facts that only an absorbed source knew. A view: plays are wide, and
-- most of them are told once.
{{ config(materialized='view') }}

with facts as (
    select
        same.kept_id as row_id,
        min(told.ended_at) as ended_at,
        max(told.ms_played) as ms_played,
        max(told.duration_ms) as duration_ms,
        min(told.reason_start) as reason_start,
        min(told.reason_end) as reason_end,
        {{ any_true('told.skipped') }} as skipped,
        {{ any_true('told.shuffle') }} as shuffle,
        {{ any_true('told.offline') }} as offline,
        {{ any_true('told.incognito') }} as incognito,
        min(told.platform) as platform,
        min(told.country) as country
    from {{ ref('int_same_plays') }} as same
    inner join {{ ref('int_plays_once_per_source') }} as told on same.absorbed_id = told.row_id
    where {{ in_slice('same.user_id') }}
    group by same.kept_id
),

once as (
    select *
    from {{ ref('int_plays_once_per_source') }} as told
    where
        not exists (
            select 1
            from {{ ref('int_same_plays') }} as same
            where same.absorbed_id = told.row_id and {{ in_slice('same.user_id') }}
        )
)

select
    once.row_id,
    once.user_id,
    once.track_id,
    once.artist_id,
    once.source,
    once.played_at,
    coalesce(
        once.ended_at,
        facts.ended_at,
        {{ plus_ms('once.played_at', 'facts.ms_played') }}
    ) as ended_at,
    coalesce(once.ms_played, facts.ms_played) as ms_played,
    coalesce(once.duration_ms, facts.duration_ms) as duration_ms,
    coalesce(once.reason_start, facts.reason_start) as reason_start,
    coalesce(once.reason_end, facts.reason_end) as reason_end,
    coalesce(once.skipped, facts.skipped) as skipped,
    coalesce(once.shuffle, facts.shuffle) as shuffle,
    coalesce(once.offline, facts.offline) as offline,
    coalesce(once.incognito, facts.incognito) as incognito,
    coalesce(once.platform, facts.platform) as platform,
    coalesce(once.country, facts.country) as country
from once
left join facts on once.row_id = facts.row_id
