select
    row_id,
    catalogue,
    track_ref,

    duration_ms,
    case when year between 1000 and 2999 then year end as year,
    explicit,
    popularity,
    genres,

    {% for feature in audio_features() -%}
    {{ feature }}{{ "," if not loop.last }}
    {% endfor %}
from {{ source('raw', 'catalogue') }}
