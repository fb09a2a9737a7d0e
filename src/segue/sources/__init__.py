"""Where plays, tracks and crowds come from, one file each."""
