{# One id for an album of an artist, whatever its edition. #}
{% macro album_id(artist_id, album) %}
case
    when {{ album }} is not null
        then 'b' || substr(
            md5(
                coalesce({{ artist_id }}, '') || '/' || coalesce(
                    nullif(
                        {{ trimmed(without_edition(lowered(album))) }},
                        ''
                    ),
                    {{ lowered(album) }}
                )
            ), 1, 16
        )
end
{% endmacro %}

{% macro without_edition(album) %}{{ return(adapter.dispatch('without_edition')(album)) }}{% endmacro %}
{% macro default__without_edition(album) -%}
regexp_replace(
    {{ album }},
    '[\t\n\f\r ]*([(\[][^)\]]*|-[\t\n\f\r ][^-]*)(remaster|deluxe|edition|expanded|bonus|anniversary|version)[^)\]]*[)\]]?[\t\n\f\r ]*$',
    ''
)
{%- endmacro %}
{# In a text of Snowflake's, a backslash before a bracket is nothing: the same pattern without any. #}
{% macro snowflake__without_edition(album) -%}
regexp_replace(
    {{ album }},
    '[\t\n\f\r ]*([([][^])]*|-[\t\n\f\r ][^-]*)(remaster|deluxe|edition|expanded|bonus|anniversary|version)[^])]*[])]?[\t\n\f\r ]*$',
    ''
)
{%- endmacro %}
