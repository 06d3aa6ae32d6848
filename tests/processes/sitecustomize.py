"""Found by every Python process that tests start, as tests/conftest.py puts this folder on their path.

They look for cyclic garbage seldom: a job imports some thousand modules, and Python would look through what they hold
again and again, which takes up to a sixth of the imports' time and finds next to nothing.

Where KINEMA_FORKS names a process that jobs are forks of, a job of Snakemake has one run its script (see `forked`).
Where KINEMA_TRACE names a folder, jobs are watched (see `traced`).
"""

import gc
import os
import sys

gc.set_threshold(100_000, 50, 100)
if ".snakemake/scripts/" in " ".join(sys.orig_argv):
    if "KINEMA_FORKS" in os.environ:
        from forked import ask_for_this_script

        ask_for_this_script()
    if "KINEMA_TRACE" in os.environ:
        from traced import trace

        trace()
