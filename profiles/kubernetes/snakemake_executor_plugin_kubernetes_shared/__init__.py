"""Snakemake's executor for Kubernetes, where all pods see the project's folder on one volume.

The plugin of Snakemake takes for granted that no file is shared: inputs and outputs go through a store of objects, and
each job works in an empty folder. Frames beside a shard's table, resume points and notes are no declared outputs, so
they would be lost. Here everything of that plugin stays, pods included, but for this: files are shared, and nothing is
sent to a store. `precommand` in the profile goes to the project's folder.
"""

from dataclasses import replace

from snakemake_executor_plugin_kubernetes import Executor, ExecutorSettings
from snakemake_executor_plugin_kubernetes import common_settings as of_plugin

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = replace(
    of_plugin,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_default_storage_provider_args=False,
    auto_deploy_default_storage_provider=False,
)
