{{ staged_plays("source = 'maloja'") }}
