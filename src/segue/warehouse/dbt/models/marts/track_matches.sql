-- depends_on: {{ ref('int_changed_refs') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_changed_refs', 'key': ['track_ref']}},
) }}

select
    track_ref,
    track_id,
    method,
    score,
    in_history,
    in_catalogue,
    in_crowd
from {{ ref('int_known_refs') }} as refs
{{ only_touched('refs', 'int_changed_refs', ['track_ref']) }}
