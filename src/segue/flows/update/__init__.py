"""The whole job: collect, build, train if due, recommend, publish, notify."""
