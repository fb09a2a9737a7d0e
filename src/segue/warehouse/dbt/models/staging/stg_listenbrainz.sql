{{ staged_plays("source = 'listenbrainz'", source_rank=4) }}
