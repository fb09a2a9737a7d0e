-- What catalogues tell about a track. Its rows (editions, genres) are averaged, labels are those of
-- one row.
-- depends_on: {{ ref('int_retold_tracks') }}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'in': 'int_retold_tracks', 'key': ['track_id']}},
) }}

with ranked as (
    select
        catalogue.*,
        refs.track_id,
        row_number() over (
            partition by refs.track_id
            order by
                case when catalogue.key is null then 1 else 0 end,
                case when refs.method in ('own', 'source_id') then 0 else 1 end,
                catalogue.track_ref,
                catalogue.row_id
        ) as place
    from {{ ref('stg_catalogue') }} as catalogue
    inner join {{ ref('int_known_refs') }} as refs on catalogue.track_ref = refs.track_ref
    where
        refs.track_id is not null
        {{ only_touched('refs', 'int_retold_tracks', ['track_id'], 'and') }}
),

-- How many people know a track changes, and is asked again: what was told last counts.
told as (
    select refs.track_id, max(answers.score) * 100 as popularity
    from {{ ref('stg_answers') }} as answers
    inner join {{ ref('int_known_refs') }} as refs on answers.track_ref = refs.track_ref
    where answers.kind = 'popularity' and answers.score is not null
    group by refs.track_id
)

select
    ranked.track_id,
    {{ whole(middle('duration_ms')) }} as duration_ms,
    min(year) as year,
    {{ any_true('explicit') }} as explicit,
    max(
        case
            when ranked.catalogue = 'listenbrainz_popularity'
                then coalesce(told.popularity, ranked.popularity)
            else ranked.popularity
        end
    ) as popularity,
    {% for feature in measured_features() -%}
    {{ exact_mean(feature) }} as {{ feature }},
    {% endfor %}
    {%- for feature in labelled_features() -%}
    max(case when place = 1 then {{ feature }} end) as {{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from ranked
left join told on ranked.track_id = told.track_id
group by ranked.track_id
