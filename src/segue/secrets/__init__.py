"""Where tokens and passwords of foreign services are kept, so that nobody else reads them."""
