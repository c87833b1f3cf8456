"""The front door for Python: connect, find, datasets, download, and projects; without Prefect.

What `import pacsflow` exports is made here; nothing of it is loaded before it is used.
"""
