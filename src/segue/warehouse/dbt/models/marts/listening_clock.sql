select
    user_id,
    weekday,
    hour,
    cast(sum(starts) as bigint) as starts,
    cast(sum(plays) as bigint) as plays,
    cast(sum(finishes) as bigint) as finishes,
    cast(sum(skips) as bigint) as skips,
    cast(sum(ms_played) as bigint) as ms_played,
    count(case when plays > 0 then 1 end) as days
from {{ ref('listening_hours') }}
group by user_id, weekday, hour
