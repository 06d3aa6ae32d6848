"""Seconds of the rounds -> what is measured of a model, as the record has it."""

from collections.abc import Sequence

from kinema.inference.benchmark.advice import advice
from kinema.inference.benchmark.contestants import Contestant, Named
from kinema.inference.benchmark.rounds import Rounds, quantiles
from kinema.records.benchmark import MeasuredModel, Measurement, WholeWay


def measured_model(named: Named, rounds: Rounds, videos: list[WholeWay]) -> MeasuredModel:
    """Of a model, whose contestants the rounds are of."""
    found = measurements(named.contestants, rounds)
    assert named.spec
    return MeasuredModel(
        path=str(named.path),
        model=named.model_name,
        input=named.spec.clip_in_words,
        measurements=found,
        videos=videos,
        advice=list(advice(found)),
        sha256=named.sha256,
    )


def measurements(contestants: Sequence[Contestant], rounds: Rounds) -> list[Measurement]:
    """One of each contestant; the first is what the others compare with."""
    found = []
    for which, one in enumerate(contestants):
        seconds = rounds.quantiles(which)
        found.append(
            Measurement(
                file=one.file,
                runtime=one.runtime,
                precision=one.precision,
                is_default=one.is_default,
                is_stream=one.is_stream,
                batch=one.batch,
                seconds=seconds,
                answers_per_second=one.batch / seconds.median,
                speed=quantiles(rounds.ratios(0, which) * one.batch / contestants[0].batch),
            )
        )
    return found
