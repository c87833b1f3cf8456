"""What is wrong with one value, without the value."""


class FaultError(ValueError):
    """A value that cannot be asked for: why, and what to write. Becomes a Problem before it is shown."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
