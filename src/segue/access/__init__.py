"""Who may do what: API keys, where they are kept, and how a request's key is checked."""
