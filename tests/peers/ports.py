"""Free loopback ports, below the range the kernel gives to outgoing connections."""

import random
import socket
import time
from collections.abc import Callable

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port nobody listens on now; drawn at random so that parallel runs rarely meet."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def answers(port: int) -> bool:
    """Whether somebody listens on the loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], *, seconds: float = 30, what: str = "it") -> None:
    """Return as soon as `condition` holds, fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come about in {seconds} s")
        time.sleep(0.02)
