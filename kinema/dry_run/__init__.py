"""What a run would do, before it is started: `kinema plan`.

`snakemake` runs Snakemake dry in a process of its own and gives the jobs of its DAG (`jobs`); `changes` says why a job
is to run, `videos` what the next plan of the shards would find, `duration` how long jobs took before, and `table` puts
these together. No stage imports it.
"""
