{# One id for an album of an artist, whatever its edition. #}
{% macro album_id(artist_id, album) %}
case
    when {{ album }} is not null
        then 'b' || substr(
            md5(
                coalesce({{ artist_id }}, '') || '/' || coalesce(
                    nullif(
                        trim(
                            regexp_replace(
                                lower({{ album }}),
                                '\s*([(\[][^)\]]*|-\s[^-]*)(remaster|deluxe|edition|expanded|bonus|anniversary|version)[^)\]]*[)\]]?\s*$',
                                ''
                            )
                        ),
                        ''
                    ),
                    lower({{ album }})
                )
            ), 1, 16
        )
end
{% endmacro %}
