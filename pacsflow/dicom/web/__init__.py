"""The web protocols: one HTTP client per lane, answers streamed, never a response body in a message."""
