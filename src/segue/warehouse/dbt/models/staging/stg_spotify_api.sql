-- Its times are near the end of a play, and sometimes its start.
{{ staged_plays("source = 'spotify_api'", imprecision_s=30) }}
