"""How frames are read from each storage; `kinema.media.storages` writes them, and says why that is apart.

Nothing here imports what writes: who trains imports this, and every edit of it makes trainings stale.
"""
