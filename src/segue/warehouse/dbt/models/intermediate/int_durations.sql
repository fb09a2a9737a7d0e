-- How long a track is: as a catalogue says, else as a source says, else the longest it was heard
-- when it was not cut off by hand.
with heard as (
    select
        track_id,
        max(duration_ms) as told_ms,
        max(case when reason_end = 'trackdone' then ms_played end) as done_ms,
        max(
            case
                when
                    reason_end is null
                    and skipped is not true
                    and ms_played >= {{ var('counted_ms') }}
                    then ms_played
            end
        ) as longest_ms
    from {{ ref('int_plays_once') }}
    group by track_id
)

select
    coalesce(catalogue.track_id, heard.track_id) as track_id,
    coalesce(
        catalogue.duration_ms, heard.told_ms, nullif(heard.done_ms, 0), heard.longest_ms
    ) as duration_ms
from {{ ref('int_catalogue_tracks') }} as catalogue
full outer join heard on catalogue.track_id = heard.track_id
