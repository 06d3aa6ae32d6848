"""Features of clips that a frozen encoder gives: computed once, kept, and trained on in the place of the clips.

An encoder that never learns says the same of a clip in every epoch, for every decoder, in every fold and with every
seed of a cross-validation. `views` are the pixels of a clip that are looked at, `store` the files that are kept,
`keeping` computes what is missing there, `clips` hands it to a loader.
"""
