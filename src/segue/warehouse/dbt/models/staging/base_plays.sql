-- In a build of changes: the plays that may have changed; all others stay as they are in `plays`.
-- depends_on: {{ ref('int_changed_users') }}
{{ config(materialized='view', schema='intermediate') }}

select told.*
from {{ source('raw', 'plays') }} as told
{{ join_changed_users('told') }}
where {{ in_slice('told.user_id') }}
