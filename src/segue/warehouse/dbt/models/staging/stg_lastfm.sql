{{ staged_plays("source = 'lastfm'") }}
