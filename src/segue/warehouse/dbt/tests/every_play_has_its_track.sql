-- Every track that is played or counted anywhere is in the tracks mart.
select track_id from {{ ref('user_track_counts') }}
where track_id not in (select track_id from {{ ref('tracks') }})
union all
select track_id from {{ ref('playlist_tracks') }}
where track_id not in (select track_id from {{ ref('tracks') }})
