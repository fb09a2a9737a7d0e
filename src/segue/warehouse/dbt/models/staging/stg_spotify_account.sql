{{ staged_plays("source = 'spotify_account'", source_rank=3, imprecision_s=60) }}
