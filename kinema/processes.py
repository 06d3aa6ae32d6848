"""Processes that run one job together, one a GPU."""

import os


def is_first_process() -> bool:
    """False in the processes that run the job's script beside it: they leave files to the first one."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))
