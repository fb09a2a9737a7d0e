-- Every play of a track in the lake is in the mart, or was told twice by its source, or is told by
-- another. (A row that names an artist only is no play of a track.) A build of changes looks at
-- the plays that may have changed. Nothing is joined to count it: with a hundred million plays that
-- would take more memory than a build may.
-- depends_on: {{ ref('int_changed_users') }}
with counts as (
    select
        (
            select count(*)
            from {{ ref('base_plays') }} as told
            where told.track_ref not like 'artist:%'
        ) as told,
        (select count(*) from {{ ref('int_plays_unioned') }}) as matched,
        (select count(*) from {{ ref('int_plays_told_twice') }}) as told_twice,
        (select count(distinct absorbed_id) from {{ ref('int_same_plays') }}) as absorbed,
        (
            select count(*) from {{ ref('plays') }} as published {{ join_changed_users('published') }}
        ) as published
)

select * from counts
where told <> matched or published <> matched - told_twice - absorbed
