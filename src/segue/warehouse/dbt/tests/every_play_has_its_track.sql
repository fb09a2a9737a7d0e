-- Every track that is played or counted anywhere is in the tracks mart.
select played.track_id from {{ ref('user_track_counts') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where known.track_id is null
union all
select played.track_id from {{ ref('playlist_tracks') }} as played
left join {{ ref('tracks') }} as known on played.track_id = known.track_id
where known.track_id is null
