"""The application layer: what a run does, without Prefect. Rooms meet here."""
