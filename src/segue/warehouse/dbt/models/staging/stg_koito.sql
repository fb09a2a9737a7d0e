{{ staged_plays("source = 'koito'", source_rank=6) }}
