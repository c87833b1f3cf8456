"""Commands on files at hand, apart from any run."""
