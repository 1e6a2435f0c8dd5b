"""``python -m tests.chaos --seed 1 --seconds 120``: one run; exit code 1 where anything differs."""

import argparse
import asyncio
import logging
import sys

from tests.chaos.harness import run_chaos
from tests.support.kafka_node import missing_tools


def main() -> int:
    """Run once; the last line on standard output is the report as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the load and the faults")
    parser.add_argument("--seconds", type=float, default=120.0, help="of faults, at least")
    parser.add_argument(
        "--outage",
        type=float,
        default=0.0,
        help="seconds for which all brokers are away at the end",
    )
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run without fault")
    options = parser.parse_args()
    if missing := missing_tools():
        print(f"the brokers need {' and '.join(missing)}", file=sys.stderr)
        return 2
    # The clients say at every attempt that a broker is away, which is the point of a run.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    report = asyncio.run(
        run_chaos(options.seed, options.seconds, options.outage, keep=options.keep)
    )
    print(report.line(), flush=True)
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
