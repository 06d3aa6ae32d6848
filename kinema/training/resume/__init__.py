"""How a training that was interrupted goes on, and what it tells when it ends early.

runs         folders of runs: which can go on from which
folder       files of a run that are whole and its own: resume points, the best epoch, kept outputs
regroup      points of another number of processes
callbacks    what Lightning calls to write them
termination  signals that ask a run to end
ending       errors that say what happened and where the next run goes on
tell         what the user is told before and after the workflow runs
"""
