"""Run pytest; where one to three tests fail, run those again, alone.

The tests speak to real servers and browsers on a machine whose processors they share; of ten thousand, one now and then
waits too long for another. A test that passes alone is named at the end as UNSTABLE, to be corrected; one that fails
again, and four or more that fail, are a failure of the suite.

    python tools/suite.py [arguments of pytest]
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST = 3
TESTS_FAILED = 1
"""Exit code of pytest where tests ran and some failed."""


def main(arguments: list[str]) -> int:
    """Exit code of the suite: pytest's own, or 0 where each test that failed passed alone."""
    FAILED.unlink(missing_ok=True)
    code = _pytest(arguments)
    failed = sorted(json.loads(FAILED.read_text())) if code == TESTS_FAILED and FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return code
    print("\nRun again, alone:", *failed, sep="\n  ", flush=True)
    if again := _pytest(["-n", "0", *failed]):
        return again
    print("\nUNSTABLE, passed only alone:", *failed, sep="\n  ", flush=True)
    return 0


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
