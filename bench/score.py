"""Ten actions of de-identification, scored over synthetic instances of 31 SOP classes with an answer key.

python -m bench.score [--quick]

The actions are those that the MIDI-B challenge scores. The instances are made by the tests (a seed makes the same ones
everywhere), cleaned under the basic profile with moved dates, patients' characteristics and cleaned descriptions, and
judged by code that knows nothing of the cleaner. The last line is JSON: instances, classes, refusals, per action and of
all the number of answers and the percentage of right ones.
"""

import argparse
import logging
import warnings

from bench.measure import conclude


def main() -> None:
    """Makes, cleans, judges, ends with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two instances of each class, not seventeen")
    per_class = 2 if parser.parse_args().quick else 17
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from unit.deid.answer_classes import CLASSES, generate
    from unit.deid.judge import judged, score

    before, answers = generate(per_class=per_class)
    marks, reasons = judged(before, answers)
    for action, found in score(marks).items():
        print(f"{action:<17} {found['answers']:7,} answers  {found['percent']:8.3f} % right")
    wrong = sorted({(answer.action, *answer.path) for answer, right in marks if not right}, key=str)
    print(f"wrong: {wrong}" if wrong else "nothing is wrong")
    conclude({"instances": len(before), "classes": len(CLASSES), "refused": dict(reasons), "score": score(marks)})


if __name__ == "__main__":
    main()
