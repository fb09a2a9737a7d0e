{{ staged_plays("source = 'spotify_api'", source_rank=2) }}
