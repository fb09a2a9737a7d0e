-- What each reference is called, and which track it is taken for. Kept, so that the next build sees
-- which of them have changed.
-- depends_on: {{ ref('int_changed_refs') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_changed_refs', 'key': ['track_ref']}},
) }}

select {% for column in ref_columns() %}refs.{{ column }}{{ ", " if not loop.last }}{% endfor %}
from {{ ref('stg_track_refs') }} as refs
{{ only_touched('refs', 'int_changed_refs', ['track_ref']) }}
