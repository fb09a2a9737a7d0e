{{ staged_plays("source not in ('" ~ known_sources() | join("', '") ~ "')") }}
