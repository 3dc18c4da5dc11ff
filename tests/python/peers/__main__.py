"""What scikit-learn and pandas say, for tests/tests/peers to compare a standard stage with.

    python -m peers STAGE

prints cases as JSON: a table, the stage's parameters, and what is expected of it. A file of this folder
makes the cases of each stage.
"""

import importlib
import json
import sys


def main(stage):
    cases = importlib.import_module(f"peers.{stage}").cases()
    # At once, since a part at a time is not written by the C encoder.
    sys.stdout.write(json.dumps(list(cases), allow_nan=False))


main(sys.argv[1])
