"""A stand-in for Snowflake on this machine; `server.py` is it, `client.py` starts it for tests."""
