{{ staged_plays("source = 'spotify_account'", imprecision_s=60) }}
