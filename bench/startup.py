"""How long a command takes to answer, as a whole process, beside `python -c pass`: help, validate, status.

The project is the demo's. Every command is called in turn; medians by the clock and of processor time.
"""

import secrets
import sys

from bench.measure import BIN, ROOT, Cost, conclude, cost_of, middle, quick_asked, scratch


def main() -> None:
    """Print the figures."""
    quick = quick_asked(__doc__)
    with scratch() as folder:
        environment = {"PACSFLOW_WORK": str(folder), "PACSFLOW_DEMO_KEY": secrets.token_hex(32)}
        pacsflow, project = str(BIN / "pacsflow"), str(ROOT / "projects" / "demo")
        asked = {
            "python": [sys.executable, "-c", "pass"],
            "help": [pacsflow, "--help"],
            "validate": [pacsflow, "validate", project],
            "status": [pacsflow, "status", project],
        }
        costs: dict[str, list[Cost]] = {name: [] for name in asked}
        for _ in range(3 if quick else 11):
            for name, words in asked.items():
                costs[name].append(cost_of(words, environment))
    conclude({"bench": "startup", "quick": quick, **{name: middle(each) for name, each in costs.items()}})


if __name__ == "__main__":
    main()
