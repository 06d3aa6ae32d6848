"""The score interval of a fraction. Standard library only."""

import math

from kinema.records.evaluation import Interval

Z95 = 1.959964  # of the normal distribution, 95 % lie within so many deviations


def wilson_interval(hits: float, trials: int, *, z: float = Z95) -> Interval:
    """The score interval of a fraction of which `hits` of `trials` independent trials were seen; by default of 95 %.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927), 209-212: the p with
    (hits / trials - p)^2 = t p (1 - p), where t = z^2 / trials. Unlike the usual p +- z s it holds near 0 and 1 and for
    few trials. Without trials it is all of [0, 1].
    """
    if not trials:
        return Interval(low=0.0, high=1.0)
    seen, t = hits / trials, z * z / trials
    middle, half = seen + t / 2, math.sqrt(t * seen * (1 - seen) + t * t / 4)
    return Interval(low=max(0.0, (middle - half) / (1 + t)), high=min(1.0, (middle + half) / (1 + t)))
