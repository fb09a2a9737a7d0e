-- Sessions that a build of changes takes out of `sessions` or puts in.
-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_plays_of_touched') }}
select session_id
from {{ ref('int_touched_plays') }}
where session_id is not null
union
select plays.session_id
from {{ ref('int_plays_of_touched') }} as plays
inner join {{ ref('int_touched_plays') }} as touched on plays.play_id = touched.play_id
