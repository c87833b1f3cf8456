"""Free loopback ports, below the range the kernel gives to outgoing connections, each given once on a machine."""

import random
import socket
import time
from collections.abc import Callable, Iterator

LOOPBACK = "127.0.0.1"
FIRST, LAST, BLOCK = 20000, 32000, 50
_signs: list[socket.socket] = []
"""Bound to the first port of each block that is ours: so no other test process takes it, as long as this one lives."""


def free_port() -> int:
    """A port without a listener now, and that no test, here or in another process of this machine, was given before."""
    return next(_free_ports)


def _given() -> Iterator[int]:
    blocks = range(FIRST, LAST, BLOCK)
    for first in random.sample(blocks, len(blocks)):
        if (sign := _bound(first)) is not None:
            _signs.append(sign)
            for port in range(first + 1, first + BLOCK):
                if (probe := _bound(port)) is not None:
                    probe.close()
                    yield port
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")


_free_ports = _given()


def _bound(port: int) -> socket.socket | None:
    one = socket.socket()
    try:
        one.bind(("0.0.0.0", port))
    except OSError:
        one.close()
        return None
    return one


def answers(port: int) -> bool:
    """Whether somebody listens on the loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], *, seconds: float = 120, what: str = "it") -> None:
    """Return as soon as `condition` holds, fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come about in {seconds} s")
        time.sleep(0.02)
