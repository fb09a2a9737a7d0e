-- depends_on: {{ ref('int_touched_plays') }} {{ ref('int_plays_of_touched') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_touched_plays', 'key': ['user_id', 'artist_id']}, 'in_slices': true},
) }}

{{ counts_of_users('artist_id') }}
