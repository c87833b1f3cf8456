"""Files as a disk leaves them: damaged for certain."""


def with_one_bit_changed(content: bytes, at: int) -> bytes:
    """The same bytes, but for the lowest bit of the one `at`: never what stood there, whatever stood there."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)
