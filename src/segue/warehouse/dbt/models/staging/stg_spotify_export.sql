{{ staged_plays("source = 'spotify_export'") }}
