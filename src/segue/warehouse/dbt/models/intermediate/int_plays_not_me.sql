-- The latest word on a play decides: of `not_me` and `undo` those about its track, or about a span
-- of time that it started in; said after it was played.
-- depends_on: {{ ref('int_plays_once') }} {{ ref('int_changed_users') }}
{{ config(meta={'in_slices': true}) }}
{% set some = 'user_id in (select user_id from ' ~ ref('int_feedback') ~ ')' %}
with words as (
    select
        plays.row_id,
        feedback.verb,
        row_number() over (partition by plays.row_id order by feedback.place desc) as age
    from {{ all_plays(some) }} as plays
    inner join {{ ref('int_feedback') }} as feedback
        on
            plays.user_id = feedback.user_id
            and plays.played_at <= feedback.said_at
    where
        feedback.verb in ('not_me', 'undo')
        and feedback.kind <> 'artist'
        and (feedback.track_id is null or feedback.track_id = plays.track_id)
        and (feedback.since is null or plays.played_at >= feedback.since)
        and (feedback.until is null or plays.played_at <= feedback.until)
)

select row_id from words where age = 1 and verb = 'not_me'
