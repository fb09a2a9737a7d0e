"""Stand-ins for the services Segue speaks to, for tests and for trying things out."""
