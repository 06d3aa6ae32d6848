"""Which videos look alike: cuts of one recording, copies in another size or codec, one scene filmed twice.

A few frames of each video go through the encoder whose weights come with pip. What is compared is told in
`kinema.looks.likeness`, how well it works in benchmarks/README.md.
"""
