"""Start a program, wait for it, say what it took: `python child.py RESULT.json PROGRAM ARGUMENT…`.

A small process of its own: Linux counts the memory of the parent process as the program's first peak.
"""

import json
import os
import sys
import time


def main(result: str, argv: list[str]) -> None:
    began = time.monotonic()
    pid = os.posix_spawn(argv[0], argv, os.environ)
    _, status, used = os.wait4(pid, 0)
    seconds = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    took = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss * 1024 / 1e6}
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123, pathlib is not worth its memory here
        json.dump({**took, "code": code}, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
