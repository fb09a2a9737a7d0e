"""Training on Spark: plays are read, factors solved and sessions counted by many machines."""
