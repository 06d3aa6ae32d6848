"""How frames are written in each storage, and where they are kept: `packed`, `frames`, `video`.

What reads them is in `kinema.media.readers`, apart from this: trainings run that code and are stale when it changes,
while an edit of what writes must not train anything anew. Both agree on `kinema.media.layout`.

A new storage is a name that `media.storage` takes, an entry of `facts.STORAGE_FACTS`, a class of `interface.Storage`
that `table.STORAGES` names, and a class of `kinema.media.readers.interface.StorageReader` that
`kinema.media.reader.READERS` names.
"""
