"""Tables in, matrices and track vectors out; no I/O."""
