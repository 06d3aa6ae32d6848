"""Seconds and numbers -> words. Unlike `kinema.words` these stand on pages and in tables, so they count there."""


def duration_in_words(seconds: float) -> str:
    """`7320` -> `2 hours`, to two digits."""
    for unit, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{short_number(seconds / unit)} {word}"
    text = short_number(seconds)
    return f"{text} second{'' if text == '1' else 's'}"


def training_in_words(seconds: float) -> str:
    """The same of a training; `-` where there was none, as of a model that joins others or takes given weights."""
    return duration_in_words(seconds) if seconds else "-"


def short_number(number: float) -> str:
    """Two digits that count, without an exponent."""
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
