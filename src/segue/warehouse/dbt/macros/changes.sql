{#
  Building only what has changed.

  A complete build that succeeds notes in `intermediate.last_build` what models and rules it was made
  by, and in `intermediate.built_files` from which lake files of plays. The next one builds only what
  follows from files that came since. Everything is built anew if the notes are missing (a build
  that failed, was killed, or ran a part of the models takes them away), if an earlier file is gone,
  if a model or a rule has changed, or with --full-refresh.

  Which plays may come out differently is found for each user: those from a moment on, which lies
  behind a pause so long that no play before it can have to do with one after it (int_changed_users).
#}

{% macro last_build() %}
{{ return(api.Relation.create(database=target.database, schema=schema_called('intermediate'), identifier='last_build')) }}
{% endmacro %}

{% macro built_files() %}
{{ return(api.Relation.create(database=target.database, schema=schema_called('intermediate'), identifier='built_files')) }}
{% endmacro %}

{% macro built_facts() %}
{{ return(api.Relation.create(database=target.database, schema=schema_called('intermediate'), identifier='built_facts')) }}
{% endmacro %}

{% macro retold_refs() %}
{{ return(api.Relation.create(database=target.database, schema='raw', identifier='retold_refs')) }}
{% endmacro %}

{# Whether this run builds only what has changed; what `dbt compile` shows is such a build. #}
{% macro only_changes() %}
    {% if not execute or flags.FULL_REFRESH or model.resource_type == 'unit_test' %}{{ return(false) }}{% endif %}
    {% if flags.WHICH == 'compile' %}{{ return(true) }}{% endif %}
    {% if not adapter.get_relation(target.database, schema_called('intermediate'), 'last_build') %}{{ return(false) }}{% endif %}
    {% set found = run_query("select value from " ~ last_build() ~ " where name = 'only_changes'") %}
    {{ return(found.rows | length > 0) }}
{% endmacro %}

{# Of raw plays, in a build of changes: only those of files that came since the last build. #}
{% macro in_new_files() %}file_no in (select file_no from {{ built_files() }} where is_new){% endmacro %}

{# dbt asks this of every incremental model. #}
{% macro should_full_refresh() %}{{ return(not only_changes()) }}{% endmacro %}

{# A model as the last build left it; for models that it is itself made from. #}
{% macro as_last_built(name, schema='marts') %}
{{ return(api.Relation.create(database=target.database, schema=schema_called(schema), identifier=name)) }}
{% endmacro %}

{#
  In a build of changes: whether something other than plays and catalogues has come that tells of
  tracks and artists, or anything that did is gone. Then all of them are told of anew.
#}
{% macro other_facts() -%}
exists (
    select 1
    from {{ built_facts() }} as facts
    left join {{ source('raw', 'loads') }} as loads
        on
            facts.table_name = loads.table_name
            and facts.piece = loads.piece
            and facts.n_rows = loads.n_rows
    where loads.piece is null or (facts.is_new and facts.table_name <> 'catalogue')
)
{%- endmacro %}

{# What tells of tracks and artists, beside plays. #}
{% macro fact_tables() %}{{ return("'catalogue', 'crowd', 'artist_tags', 'answers'") }}{% endmacro %}

{# Of the raw catalogue, in a build of changes: only rows of files that came since the last build. #}
{% macro in_new_catalogues() -%}
file_no in (select file_no from {{ built_facts() }} where is_new and table_name = 'catalogue')
{%- endmacro %}

{# What all models and rules are, as a hash. #}
{% macro build_rules() %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% set sums = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' %}
        {% do sums.append(node.unique_id ~ node.checksum.checksum) %}
    {% endfor %}
    {% set rules = [] %}
    {% for name in rule_names() %}{% do rules.append(var(name)) %}{% endfor %}
    {{ return(local_md5(tojson(sums | sort) ~ tojson(rules))) }}
{% endmacro %}

{% macro rule_names() %}
{{ return(['counted_ms', 'finished_share', 'session_gap_minutes', 'same_play_seconds', 'time_zones']) }}
{% endmacro %}

{% macro incremental_models() %}
    {% set found = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'incremental' %}
        {% do found.append(node) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# Whether this command makes a model that builds only changes. #}
{% macro makes_incremental_models() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return(false) }}{% endif %}
    {% for node in incremental_models() if node.unique_id in selected_resources %}{{ return(true) }}{% endfor %}
    {{ return(false) }}
{% endmacro %}

{# Before the first model: may this run build only changes? #}
{% macro begin_build() %}
    {% if not makes_incremental_models() %}{{ return('') }}{% endif %}
    {% set known = {} %}
    {% if adapter.get_relation(target.database, schema_called('intermediate'), 'last_build') %}
        {% for row in run_query("select name, value from " ~ last_build()).rows %}{% do known.update({row[0]: row[1]}) %}{% endfor %}
    {% endif %}
    {% set edition = var('edition') or known.get('edition', '') %}
    {% set unchanged = namespace(
        yes=known.get('rules') == build_rules()
        and known.get('edition', '') == edition
        and not flags.FULL_REFRESH
        and built_files_are_there()
    ) %}
    {% for node in incremental_models() if not adapter.get_relation(node.database, node.schema, node.alias) %}
        {% set unchanged.yes = false %}
    {% endfor %}
    create table if not exists {{ last_build() }} (name varchar(40), value varchar(100));
    delete from {{ last_build() }};
    insert into {{ last_build() }} values
    {% if unchanged.yes %}('only_changes', 'yes'),{% endif %}
    ('edition', '{{ edition }}');
    create table if not exists {{ built_files() }} (piece varchar(1000), file_no bigint, is_new boolean);
    create table if not exists {{ built_facts() }} (
        table_name varchar(40), piece varchar(1000), file_no bigint, n_rows bigint, is_new boolean
    );
    {% if not unchanged.yes %}
    delete from {{ built_files() }};
    delete from {{ built_facts() }};
    {% endif %}
    {{ note_new_files() }}
{% endmacro %}

{% macro note_new_files() %}
    delete from {{ built_files() }} where is_new;
    insert into {{ built_files() }}
    select piece, file_no, true
    from {{ source('raw', 'loads') }}
    where
        table_name = 'plays'
        and piece not in (select piece from {{ built_files() }});
    delete from {{ built_facts() }} where is_new;
    insert into {{ built_facts() }}
    select loads.table_name, loads.piece, loads.file_no, loads.n_rows, true
    from {{ source('raw', 'loads') }} as loads
    left join {{ built_facts() }} as known
        on loads.table_name = known.table_name and loads.piece = known.piece
    where loads.table_name in ({{ fact_tables() }}) and known.piece is null
{% endmacro %}

{# Whether the files of the last build are still loaded, and no new one under the number of such. #}
{% macro built_files_are_there() %}
    {% if not adapter.get_relation(target.database, schema_called('intermediate'), 'built_files') %}{{ return(false) }}{% endif %}
    {{ return(run_query(files_amiss()).rows[0][0] | int == 0) }}
{% endmacro %}

{% macro files_amiss() %}
    select count(*) as files
    from {{ built_files() }} as built
    full outer join (
        select piece, file_no from {{ source('raw', 'loads') }} where table_name = 'plays'
    ) as loads on built.piece = loads.piece and built.file_no = loads.file_no
    where
        not coalesce(built.is_new, false)
        and (
            loads.piece is null
            or (
                built.piece is null
                and loads.file_no in (select file_no from {{ built_files() }} where not is_new)
            )
        )
{% endmacro %}

{# After the last test: was this run complete and good? Else the next one builds everything. #}
{% macro end_build(results) %}
    {% if not makes_incremental_models() %}{{ return('') }}{% endif %}
    {% set done = [] %}
    {% set good = namespace(yes=true) %}
    {% for result in results %}
        {% do done.append(result.node.unique_id) %}
        {% if result.status | string in ('error', 'fail', 'skipped', 'runtime error', 'partial success') %}
            {% set good.yes = false %}
        {% endif %}
    {% endfor %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized != 'ephemeral' %}
        {% if node.unique_id not in done %}{% set good.yes = false %}{% endif %}
    {% endfor %}
    {% if good.yes %}
    {{ note_built('changes' if only_changes() else 'everything') }}
    {% else %}
    delete from {{ last_build() }}
    {% endif %}
{% endmacro %}

{% macro note_built(what) %}
    delete from {{ last_build() }} where name in ('only_changes', 'built', 'rules');
    update {{ built_files() }} set is_new = false;
    delete from {{ built_facts() }};
    insert into {{ built_facts() }}
    select table_name, piece, file_no, n_rows, false
    from {{ source('raw', 'loads') }}
    where table_name in ({{ fact_tables() }});
    {{ forget_retold_refs() }}
    insert into {{ last_build() }} values ('built', '{{ what }}'), ('rules', '{{ build_rules() }}')
{% endmacro %}

{#
  Of references under the alias: only those that were matched again since the last complete build.
  Where matching does not tell which these are, they are found by comparing all.
#}
{% macro maybe_retold(alias) %}{{ return(adapter.dispatch('maybe_retold')(alias)) }}{% endmacro %}
{% macro default__maybe_retold(alias) %}{% endmacro %}
{% macro duckdb__maybe_retold(alias) -%}
where
    {{ alias }}.track_ref in (select track_ref from {{ retold_refs() }})
    or exists (select 1 from {{ retold_refs() }} as retold where retold.track_ref is null)
{%- endmacro %}

{% macro forget_retold_refs() %}{{ return(adapter.dispatch('forget_retold_refs')()) }}{% endmacro %}
{% macro default__forget_retold_refs() %}{% endmacro %}
{% macro duckdb__forget_retold_refs() -%}
    create table if not exists {{ retold_refs() }} (track_ref varchar);
    delete from {{ retold_refs() }};
{%- endmacro %}

{#
  How incremental models take in what has changed: the rows whose key is among the touched ones go,
  what the model says of these keys comes. `config(meta={'touched': {'in': a model, 'key': columns}})`
#}
{% macro get_incremental_touched_sql(arg_dict) %}
    {% set touched = config.get('meta')['touched'] %}
    {% set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) %}
    {{ touched_dml(
        arg_dict['target_relation'], arg_dict['temp_relation'], ref(touched['in']), touched['key'], columns
    ) }}
{% endmacro %}

{% macro touched_dml(target, changes, touched, key, columns) %}
{{ return(adapter.dispatch('touched_dml')(target, changes, touched, key, columns)) }}
{% endmacro %}

{% macro default__touched_dml(target, changes, touched, key, columns) %}
    delete from {{ target }}
    where exists (
        select 1
        from (
            select {% for column in key %}{{ column }} as touched_{{ column }}{{ ", " if not loop.last }}{% endfor %}
            from {{ touched }}
        ) as touched
        where {% for column in key %}touched_{{ column }} = {{ column }}{{ " and " if not loop.last }}{% endfor %}
    );
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ changes }}
{% endmacro %}

{# Snowflake commits each statement by itself. #}
{% macro snowflake__touched_dml(target, changes, touched, key, columns) %}
{{ snowflake_dml_explicit_transaction(default__touched_dml(target, changes, touched, key, columns)) }}
{% endmacro %}

{# Earlier than any play. #}
{% macro beginning_of_time() %}{{ return(adapter.dispatch('beginning_of_time')()) }}{% endmacro %}
{% macro default__beginning_of_time() %}cast('1000-01-01 00:00:00+00' as timestamp with time zone){% endmacro %}
{% macro snowflake__beginning_of_time() %}cast('1000-01-01 00:00:00' as timestamp_ntz){% endmacro %}

{# A play is at most this long, in seconds, when the same play is looked for in another source. #}
{% macro longest_play_s() %}{{ return(21600) }}{% endmacro %}

{# Two starts further apart than this, in seconds, are never told of as the same play. #}
{% macro no_relation_s() %}{{ return([longest_play_s(), var('same_play_seconds')] | max + 180) }}{% endmacro %}

{# Of plays, under the alias: only what may have changed. #}
{% macro join_changed_users(alias) %}
{%- if only_changes() %}
inner join {{ ref('int_changed_users') }} as changed
    on
        {{ alias }}.user_id = changed.user_id
        and {{ alias }}.played_at >= changed.since
        {{ since_any_change(alias) }}
        {{ of_few('int_changed_users', alias ~ '.user_id') }}
{%- endif %}
{% endmacro %}

{# Says nothing new where changed users are joined, but spares looking at what is older than any change. #}
{% macro since_any_change(alias) %}{{ return(adapter.dispatch('since_any_change')(alias)) }}{% endmacro %}
{% macro default__since_any_change(alias) -%}
and {{ alias }}.played_at >= (select min(since) from {{ ref('int_changed_users') }})
{%- endmacro %}
{# Snowflake takes no subquery there. #}
{% macro snowflake__since_any_change(alias) %}{% endmacro %}

{#
  In a plan of changes on DuckDB: only rows whose user is in a model with `meta={'few': 'user_id'}`,
  said in a way that spares reading the others. It says nothing new where that model is joined, and
  nothing at all where it has too many users, or somebody runs the query by hand.
#}
{% macro of_few(model_name, column) %}{{ return(adapter.dispatch('of_few')(model_name, column)) }}{% endmacro %}
{% macro default__of_few(model_name, column) %}{% endmacro %}
{% macro duckdb__of_few(model_name, column) -%}
{%- if execute and flags.WHICH == 'compile' -%}
and coalesce(list_contains(cast(getvariable('{{ model_name }}') as varchar[]), {{ column }}), true)
{%- endif -%}
{%- endmacro %}

{# In a build of changes: only rows of a table, under the alias, whose key is among the touched. #}
{% macro only_touched(alias, touched, key, word='where') %}
{%- if only_changes() %}
{{ word }} exists (
    select 1
    from {{ ref(touched) }} as touched
    where {% for column in key %}touched.{{ column }} = {{ alias }}.{{ column }}{{ " and " if not loop.last }}{% endfor %}
)
{% if 'user_id' in key %}{{ of_few(touched, alias ~ '.user_id') }}{% endif %}
{%- endif %}
{% endmacro %}

{#
  In a build of changes: only plays that may be of the same day or week as a touched one, whatever its
  user's clocks show. It spares asking of each play of a user which day that was.
#}
{% macro near_touched_plays(column, word='and') %}
{%- if only_changes() %}
{{ word }} {{ column }} >= (
    select {{ plus_ms('min(played_at)', -9 * 86400000) }} from {{ ref('int_touched_plays') }}
)
{%- endif %}
{% endmacro %}

{#
  Every play once, as far as others are judged by it. In a build of changes `int_plays_once` has those
  that may have changed; the others are as the last build left them. Few are wanted mostly: `some` is
  a condition on them.
#}
{% macro all_plays(some='1 = 1') %}
{%- set columns = ['row_id', 'user_id', 'track_id', 'played_at', 'ms_played', 'reason_end'] -%}
(
    select {{ columns | join(', ') }}, duration_ms, skipped
    from {{ ref('int_plays_once') }}
    where {{ some }}
    {% if only_changes() %}
    union all
    select
        {% for column in columns %}kept.{{ column }},
        {% endfor -%}
        kept.told_duration_ms as duration_ms,
        kept.told_skipped as skipped
    from (select * from {{ as_last_built('plays') }} where {{ some }}) as kept
    left join {{ ref('int_changed_users') }} as changed on kept.user_id = changed.user_id
    where changed.since is null or kept.played_at < changed.since
    {% endif %}
)
{% endmacro %}

{# The day and the week (its Monday) of a moment, as its user's clocks show it. #}
{% macro told_days(moment, user) -%}
cast({{ local_time(moment, user) }} as date) as day,
{{ monday('cast(' ~ local_time(moment, user) ~ ' as date)') }} as week
{%- endmacro %}
