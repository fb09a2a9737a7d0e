{{ invocation_id }}
