"""The probe of web services: what they answer, and whether images come."""
