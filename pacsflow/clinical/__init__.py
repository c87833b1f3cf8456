"""A project's clinical table under the pseudonyms and day shifts of its images."""
