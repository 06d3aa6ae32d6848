"""Losses of the steps of a training."""

import pytest
import torch

from kinema.training.losses import MOST_WAITING, EpochMean, LossCheck


class Arrival:
    """An event of a GPU that has not come to it yet, until it is waited for."""

    def __init__(self):
        self.is_past = False

    def record(self):
        pass

    def query(self):
        return self.is_past

    def synchronize(self):
        self.is_past = True


class OnGpu:
    """As much of a tensor on a GPU as is needed here."""

    is_cuda = True

    def __init__(self, value):
        self.value = value

    def detach(self):
        return self

    def to(self, device, *, non_blocking):
        assert (device, non_blocking) == ("cpu", True)
        return torch.tensor(self.value)


def test_a_loss_on_a_processor_stops_at_once():
    check = LossCheck()
    check.note(torch.tensor(0.5), "first {}".format)
    with pytest.raises(FloatingPointError, match="second inf"):
        check.note(torch.tensor(float("inf")), "second {}".format)


def test_a_loss_of_a_gpu_is_told_as_it_was_when_it_has_arrived(monkeypatch):
    arrivals = []
    monkeypatch.setattr(torch.cuda, "Event", lambda: arrivals.append(Arrival()) or arrivals[-1])
    check = LossCheck()
    check.note(OnGpu(float("nan")), "first {}".format)
    check.note(OnGpu(0.1), "second {}".format)
    arrivals[0].is_past = True
    with pytest.raises(FloatingPointError, match="first nan"):
        check.note(OnGpu(0.1), "third {}".format)


def test_losses_that_have_not_arrived_are_waited_for_when_asked_and_when_too_many(monkeypatch):
    monkeypatch.setattr(torch.cuda, "Event", Arrival)
    check = LossCheck()
    check.note(OnGpu(float("nan")), "only {}".format)
    with pytest.raises(FloatingPointError, match="only nan"):
        check.check()
    check.note(OnGpu(float("nan")), "old {}".format)
    for _ in range(MOST_WAITING - 1):
        check.note(OnGpu(0.1), "new {}".format)
    with pytest.raises(FloatingPointError, match="old nan"):
        check.note(OnGpu(0.1), "new {}".format)


def test_a_mean_counts_each_value_by_its_weight():
    mean = EpochMean()
    mean.update(torch.tensor(1.0), weight=3)
    mean.update(torch.tensor(5.0), weight=1)
    assert float(mean.compute()) == 2
