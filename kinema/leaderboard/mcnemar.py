"""Whether two models that answered the same videos differ by more than chance."""


def exact_p(only_one: int, only_other: int) -> float:
    """[probability] Of a difference at least as large, were both models equally good: McNemar's exact test, two-sided.

    The counts are of videos that only the one, and only the other, has right; those that both have right, or both
    wrong, say nothing. McNemar, Note on the sampling error of the difference between correlated proportions or
    percentages, Psychometrika 12 (1947), 153-157. In the exact version the binomial distribution stands in the place of
    his chi-squared: of n such videos each is the one's or the other's as a coin falls, hence
    p = min(1, 2 P(X <= min(only_one, only_other))) with X ~ B(n, 1/2). 1 where n is 0. ValueError for a count below 0.
    """
    fewer, number = min(only_one, only_other), only_one + only_other
    if fewer < 0:
        raise ValueError(f"found {only_one} and {only_other} videos, expected counts of 0 or more")
    term = tail = 1  # whole numbers, exact for any number of videos
    for k in range(fewer):
        term = term * (number - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / 2**number)
