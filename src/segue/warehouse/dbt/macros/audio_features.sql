{# Spotify's audio features: those that may be averaged, and those that are labels. #}
{% macro measured_features() %}
{{ return(['danceability', 'energy', 'loudness', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo']) }}
{% endmacro %}

{% macro labelled_features() %}
{{ return(['key', 'mode', 'time_signature']) }}
{% endmacro %}

{# All of them, in their usual order. #}
{% macro audio_features() %}
{{ return(['danceability', 'energy', 'key', 'loudness', 'mode', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo', 'time_signature']) }}
{% endmacro %}
