{{ staged_plays("source = 'listenbrainz'") }}
