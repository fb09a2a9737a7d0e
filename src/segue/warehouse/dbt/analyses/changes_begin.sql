-- Before the first model of a build of changes.
{{ note_new_files() }}
