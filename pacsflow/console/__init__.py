"""The pages in the browser: thin, over the engine. `serving.py` begins; `pages.py` is the table of pages."""
