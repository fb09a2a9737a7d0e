{# What the warehouses say differently, each in one place. Snowflake's times are TIMESTAMP_NTZ in UTC. #}

{# Seconds since 1970 of a timestamp, with fractions. #}
{% macro seconds(moment) %}{{ return(adapter.dispatch('seconds')(moment)) }}{% endmacro %}
{% macro default__seconds(moment) %}extract(epoch from {{ moment }}){% endmacro %}
{% macro duckdb__seconds(moment) %}epoch({{ moment }}){% endmacro %}
{% macro postgres__seconds(moment) %}date_part('epoch', {{ moment }}){% endmacro %}
{% macro snowflake__seconds(moment) %}(date_part(epoch_microsecond, {{ moment }}) / 1000000){% endmacro %}

{# Whether a number of seconds, which may have a fraction, is a whole minute. #}
{% macro is_whole_minute(seconds) %}floor({{ seconds }} / 60) * 60 = {{ seconds }}{% endmacro %}

{# The day of a timestamp in UTC. #}
{% macro utc_day(moment) %}{{ return(adapter.dispatch('utc_day')(moment)) }}{% endmacro %}
{% macro default__utc_day(moment) %}cast({{ moment }} at time zone 'UTC' as date){% endmacro %}
{% macro snowflake__utc_day(moment) %}cast({{ moment }} as date){% endmacro %}

{# A timestamp some milliseconds later. #}
{% macro plus_ms(moment, ms) %}{{ return(adapter.dispatch('plus_ms')(moment, ms)) }}{% endmacro %}
{% macro default__plus_ms(moment, ms) %}({{ moment }} + {{ ms }} * interval '1 millisecond'){% endmacro %}
{% macro snowflake__plus_ms(moment, ms) %}dateadd(millisecond, {{ ms }}, {{ moment }}){% endmacro %}

{# A text id from a 64-bit number. #}
{% macro id_from(prefix, number) %}('{{ prefix }}' || {{ hexadecimal(number) }}){% endmacro %}

{# The 16 hexadecimal digits of a 64-bit number, capital letters. #}
{% macro hexadecimal(number) %}{{ return(adapter.dispatch('hexadecimal')(number)) }}{% endmacro %}
{% macro default__hexadecimal(number) %}lpad(to_hex({{ number }}), 16, '0'){% endmacro %}
{% macro postgres__hexadecimal(number) %}upper(lpad(to_hex({{ number }}), 16, '0')){% endmacro %}
{# Snowflake's numbers have no width, so that of two's complement is added; its format has room for a sign. #}
{% macro snowflake__hexadecimal(number) -%}
lpad(trim(to_char(
    mod({{ number }} + 18446744073709551616, 18446744073709551616), 'XXXXXXXXXXXXXXXX'
)), 16, '0')
{%- endmacro %}

{# Whether a condition holds in any row of a group; null where it is null in all. #}
{% macro any_true(condition) %}{{ return(adapter.dispatch('any_true')(condition)) }}{% endmacro %}
{% macro default__any_true(condition) %}bool_or({{ condition }}){% endmacro %}
{% macro snowflake__any_true(condition) %}boolor_agg({{ condition }}){% endmacro %}

{# The distinct values of a group, sorted, as a list. #}
{% macro sorted_set(value) %}{{ return(adapter.dispatch('sorted_set')(value)) }}{% endmacro %}
{% macro default__sorted_set(value) %}array_agg(distinct {{ value }} order by {{ value }}){% endmacro %}
{% macro duckdb__sorted_set(value) %}list_sort(list(distinct {{ value }})){% endmacro %}
{% macro snowflake__sorted_set(value) %}array_agg(distinct {{ value }}) within group (order by {{ value }}){% endmacro %}

{# One row for each text of a list column: `columns` of a relation, and the text as `name`. #}
{% macro one_row_each(relation, list, name, columns) %}
{{ return(adapter.dispatch('one_row_each')(relation, list, name, columns)) }}
{% endmacro %}
{% macro default__one_row_each(relation, list, name, columns) %}
select {{ columns | join(', ') }}, unnest({{ list }}) as {{ name }} from {{ relation }}
{% endmacro %}
{% macro snowflake__one_row_each(relation, list, name, columns) %}
select
    {% for column in columns %}listed.{{ column }}, {% endfor %}each_of.value::varchar as {{ name }}
from {{ relation }} as listed, lateral flatten(input => listed.{{ list }}) as each_of
{% endmacro %}

{# How many values a list has. #}
{% macro length_of(list) %}{{ return(adapter.dispatch('length_of')(list)) }}{% endmacro %}
{% macro default__length_of(list) %}len({{ list }}){% endmacro %}
{% macro postgres__length_of(list) %}cardinality({{ list }}){% endmacro %}
{% macro snowflake__length_of(list) %}array_size({{ list }}){% endmacro %}

{# The first value of a list. #}
{% macro first_of(list) %}{{ return(adapter.dispatch('first_of')(list)) }}{% endmacro %}
{% macro default__first_of(list) %}{{ list }}[1]{% endmacro %}
{% macro snowflake__first_of(list) %}cast({{ list }}[0] as varchar){% endmacro %}

{# Whether two lists, or nothing, are not the same. #}
{% macro lists_differ(one, other) %}{{ return(adapter.dispatch('lists_differ')(one, other)) }}{% endmacro %}
{% macro default__lists_differ(one, other) %}{{ one }} is distinct from {{ other }}{% endmacro %}
{% macro snowflake__lists_differ(one, other) %}to_json({{ one }}) is distinct from to_json({{ other }}){% endmacro %}

{# A list of one value. #}
{% macro list_of(value) %}{{ return(adapter.dispatch('list_of')(value)) }}{% endmacro %}
{% macro default__list_of(value) %}[{{ value }}]{% endmacro %}
{% macro postgres__list_of(value) %}array[{{ value }}]{% endmacro %}
{% macro snowflake__list_of(value) %}array_construct({{ value }}){% endmacro %}

{# A text without the spaces around it, of every kind that Unicode has. #}
{% macro trimmed(value) %}{{ return(adapter.dispatch('trimmed')(value)) }}{% endmacro %}
{% macro default__trimmed(value) %}trim({{ value }}){% endmacro %}
{% macro postgres__trimmed(value) %}raw.trim({{ value }}){% endmacro %}
{% macro snowflake__trimmed(value) -%}
trim({{ value }}, '{{ ' \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000' }}')
{%- endmacro %}

{# A text in small letters, letter by letter and by the rules of no language. #}
{% macro lowered(value) %}{{ return(adapter.dispatch('lowered')(value)) }}{% endmacro %}
{% macro default__lowered(value) %}lower({{ value }}){% endmacro %}
{% macro postgres__lowered(value) %}raw.lower({{ value }}){% endmacro %}

{# The value in the middle of a group of numbers; the mean of two. #}
{% macro middle(value) %}{{ return(adapter.dispatch('middle')(value)) }}{% endmacro %}
{% macro default__middle(value) %}median({{ value }}){% endmacro %}
{% macro postgres__middle(value) %}percentile_cont(0.5) within group (order by {{ value }}){% endmacro %}

{# A number as a whole one, halves to the even one. #}
{% macro whole(value) %}{{ return(adapter.dispatch('whole')(value)) }}{% endmacro %}
{% macro default__whole(value) %}cast({{ value }} as bigint){% endmacro %}
{% macro snowflake__whole(value) %}cast(round(cast({{ value }} as number(38, 9)), 0, 'HALF_TO_EVEN') as bigint){% endmacro %}

{#
  Sum and mean of real numbers, the same to the bit whatever the order of the rows and the warehouse:
  values under 10^12 are added as whole billionths (sums: millionths).
#}
{% macro exact_sum(value) %}{{ added_exactly(value, 1000000) }}{% endmacro %}
{% macro exact_mean(value) %}({{ added_exactly(value, 1000000000, '1e9') }} / count({{ value }})){% endmacro %}
{% macro added_exactly(value, parts, below='1e12') -%}
{%- set scaled = 'cast(floor(cast(' ~ value ~ ' as double precision) * ' ~ parts ~ ' + 0.5) as bigint)' -%}
{%- set odd = 'case when not abs(' ~ value ~ ') < ' ~ below ~ ' then cast(' ~ value ~ ' as double precision) end' -%}
case
    when count({{ value }}) > 0
        then
            coalesce(cast(sum(case when abs({{ value }}) < {{ below }} then {{ scaled }} end) as double precision), 0) / {{ parts }}
            + coalesce(sum({{ odd }}), 0)
end
{%- endmacro %}

{# For unit tests, which ask the server what types columns have: of lists it says no more than this. #}
{% macro postgres__safe_cast(field, type) %}cast({{ field }} as {{ 'text[]' if type == 'ARRAY' else type }}){% endmacro %}

{# A timestamp as the clocks of its user show it, without a zone: see `time_zones` in dbt_project.yml. #}
{% macro local_time(moment, user='user_id') %}{{ return(adapter.dispatch('local_time')(moment, zone_of(user))) }}{% endmacro %}
{% macro default__local_time(moment, zone) %}({{ moment }} at time zone {{ zone }}){% endmacro %}
{% macro snowflake__local_time(moment, zone) %}convert_timezone('UTC', {{ zone }}, {{ moment }}){% endmacro %}

{# The name of a user's time zone. #}
{% macro zone_of(user) -%}
{%- if var('time_zones') -%}
case {{ user }}
    {%- for name, zone in var('time_zones').items() %} when {{ quoted(name) }} then {{ quoted(zone) }}{% endfor %} else 'UTC'
end
{%- else -%}'UTC'{%- endif -%}
{%- endmacro %}

{# A text in quotation marks. #}
{% macro quoted(text) %}{{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}{% endmacro %}

{# Of a time without a zone: day of the week, 1 is Monday; hour; the Monday on or before it. #}
{% macro weekday(time) %}{{ return(adapter.dispatch('weekday')(time)) }}{% endmacro %}
{% macro default__weekday(time) %}cast(extract(isodow from {{ time }}) as integer){% endmacro %}
{% macro snowflake__weekday(time) %}dayofweekiso({{ time }}){% endmacro %}
{% macro hour_of(time) %}cast(extract(hour from {{ time }}) as integer){% endmacro %}
{% macro monday(day) %}cast(date_trunc('week', {{ day }}) as date){% endmacro %}

{# Days from one date to another. #}
{% macro days_between(one, other) %}{{ return(adapter.dispatch('days_between')(one, other)) }}{% endmacro %}
{% macro default__days_between(one, other) %}({{ other }} - {{ one }}){% endmacro %}
{% macro snowflake__days_between(one, other) %}datediff(day, {{ one }}, {{ other }}){% endmacro %}

{# A date some days earlier. #}
{% macro minus_days(day, days) %}{{ return(adapter.dispatch('minus_days')(day, days)) }}{% endmacro %}
{% macro default__minus_days(day, days) %}({{ day }} - cast({{ days }} as integer)){% endmacro %}
{% macro snowflake__minus_days(day, days) %}dateadd(day, -{{ days }}, {{ day }}){% endmacro %}

{# A share, 0 to 1, of two counts; null of nothing. #}
{% macro share(part, whole) %}(cast({{ part }} as double precision) / nullif(cast({{ whole }} as double precision), 0)){% endmacro %}

{# A text such as 2025-01-31 12:00:00, of a time in UTC, as a timestamp. #}
{% macro utc_moment(text) %}{{ return(adapter.dispatch('utc_moment')(text)) }}{% endmacro %}
{% macro default__utc_moment(text) %}cast({{ text }} || '+00' as timestamp with time zone){% endmacro %}
{% macro snowflake__utc_moment(text) %}cast({{ text }} as timestamp_ntz){% endmacro %}
