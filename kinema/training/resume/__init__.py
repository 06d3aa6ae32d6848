"""How a training that was interrupted goes on, and what it tells when it ends early.

folder     files of a run that are whole and its own: resume points, the best epoch, kept outputs
callbacks  what Lightning calls to write them, and to end a run when a signal asks for it
ending     errors that say what happened and where the next run goes on
"""
