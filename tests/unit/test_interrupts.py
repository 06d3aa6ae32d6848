"""Ctrl-C on Snakemake: the first and the third end it."""

import signal

import pytest

from kinema.interrupts import leave_the_second_to_jobs


@pytest.fixture(autouse=True)
def before():
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, found or signal.SIG_DFL)


def test_the_second_one_is_for_the_jobs():
    leave_the_second_to_jobs()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_ignores_it_still_does():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_the_second_to_jobs()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
