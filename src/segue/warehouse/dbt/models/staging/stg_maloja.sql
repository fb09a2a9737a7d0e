{{ staged_plays("source = 'maloja'", source_rank=7) }}
