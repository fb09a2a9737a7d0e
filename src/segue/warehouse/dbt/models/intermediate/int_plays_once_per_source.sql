-- A view: plays are wide, and what is left out of them is little.
{{ config(materialized='view') }}

select *
from {{ ref('int_plays_unioned') }} as told
where
    not exists (
        select 1
        from {{ ref('int_plays_told_twice') }} as twice
        where twice.row_id = told.row_id and {{ in_slice('twice.user_id') }}
    )
