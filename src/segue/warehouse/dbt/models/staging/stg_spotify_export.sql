{{ staged_plays("source = 'spotify_export'", source_rank=1) }}
