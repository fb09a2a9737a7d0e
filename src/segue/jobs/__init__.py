"""Commands that run beside whoever asked for them: who they are, how far they are, how they end."""
