-- Whether a build of changes may follow the last build: no row says no.
select 1 as yes
from {{ last_build() }} as noted
where
    noted.name = 'rules'
    and noted.value = '{{ build_rules() }}'
    and exists (
        select 1 from {{ last_build() }} as made where made.name = 'edition' and made.value = '{{ var("edition") }}'
    )
    and ({{ files_amiss() }}) = 0
