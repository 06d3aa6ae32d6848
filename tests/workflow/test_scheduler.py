"""Snakemake's scheduler looks for jobs when there is a reason to."""

import pytest
from project import executed

pytestmark = [pytest.mark.workflow]

REPORT = "results/tiny/dataset_report.md"
TOLD = "a look was ordered"
# every timer of the scheduler, told when it is started
WATCH = f"""
import threading
start_timer = threading.Timer.start


def start_told(timer):
    if "JobScheduler" in timer.function.__qualname__:
        print("{TOLD}")
    start_timer(timer)


threading.Timer.start = start_told
"""


@pytest.mark.parametrize(("rate", "is_kept"), [((), False), (("--max-jobs-per-timespan", "90/1s"), True)])
def test_only_a_rate_of_the_users_makes_it_look_by_the_clock(project, rate, is_kept):
    snakefile = project.root / "Snakefile"
    snakefile.write_text(snakefile.read_text() + WATCH)
    (project.root / REPORT).unlink()
    output = project.snakemake(REPORT, *rate)
    assert executed(output) == {"dataset_report"}
    assert (TOLD in output) == is_kept
