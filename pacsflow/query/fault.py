"""What is wrong with one value, without the value."""


class FaultError(ValueError):
    """A value that cannot be asked for: why, and what to write. Becomes a Problem before anybody sees it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
