#!/usr/bin/env python3
"""Destinations that are down do not slow the others: tests/bench/many_destinations.py in small, with a bound that holds on a busy
machine. One that is slowed waits for a connect that is not answered (30 s), or for a greeting (5 minutes).
"""

from destinations import seconds
from harness import PATIENCE, Case, main


class Down(Case):
    def test_a_third_that_is_down_does_not_slow_the_rest(self):
        alone = seconds(27, 0, 675, patience=4 * PATIENCE)
        beside = seconds(27, 13, 675, patience=4 * PATIENCE)
        self.assertLess(beside, max(10 * alone, 15))


if __name__ == "__main__":
    main()
