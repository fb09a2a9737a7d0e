{{ staged_plays("source = 'koito'") }}
