"""De-identification: bytes in, bytes out, or a refusal with its reason."""
