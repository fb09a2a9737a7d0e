"""The web page: HTML made here, mounted beside the HTTP API."""
