"""The service over HTTP: events in, recommendations out."""
