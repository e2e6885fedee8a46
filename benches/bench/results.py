"""What was measured: series of values, ratios of two of them round by round, and whether the goals are met."""

import statistics
import traceback

from .goals import goal_of
from .processes import FAILURES


class Results:
    """Figures by name, in the order in which they came, and what could not be measured."""

    def __init__(self):
        self.figures = {}
        self.made_by = {}
        self.errors = {}
        self.measurement = None

    def series(self, name, unit, values):
        values = list(values)
        if values:
            self.made_by[name] = self.measurement
            self.figures[name] = {
                "unit": unit,
                "median": statistics.median(values),
                "min": min(values),
                "max": max(values),
                "values": values,
                **judged(name, statistics.median(values)),
            }

    def ratio(self, name, over, under):
        """Values of the same round, one over the other: the machine's speed drifts, so that only these count."""
        self.series(name, "ratio", [one / other for one, other in zip(over, under)])

    def missed(self):
        return [name for name, figure in self.figures.items() if figure.get("met") is False]


def judged(name, value):
    goal = goal_of(name)
    if goal is None:
        return {}
    sign, limit = goal
    return {"goal": f"{sign} {limit:g}", "met": value >= limit if sign == ">=" else value <= limit}


def interleaved(bench, what, contestants, rounds=None):
    """Lets each contestant take its turn, round after round: A B C A B C. Their values, by name.

    Who fails once is out of it, without figures; the others go on.
    """
    values = {name: [] for name in contestants}
    rounds = rounds or bench.options.rounds
    for number in range(1, rounds + 1):
        for name in [name for name in contestants if name in values]:
            try:
                value = contestants[name]()
            except FAILURES as error:
                bench.say(f"{what}: round {number} of {rounds}: {name} failed: {error}")
                traceback.print_exc()
                bench.results.errors[f"{what}: {name}"] = str(error)
                del values[name]
                continue
            values[name].append(value)
            bench.say(f"{what}: round {number} of {rounds}: {name}: {value:,.4g}")
    return {name: values.get(name, []) for name in contestants}
