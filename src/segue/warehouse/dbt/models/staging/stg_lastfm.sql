{{ staged_plays("source = 'lastfm'", source_rank=5) }}
