"""Clients of foreign services, with what is known of their limits."""
