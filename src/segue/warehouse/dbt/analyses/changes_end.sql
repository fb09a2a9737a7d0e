-- After the last model and test of a build of changes.
{{ note_built('changes') }}
