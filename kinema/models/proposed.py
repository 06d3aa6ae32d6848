"""The model that a data set of one's own is begun with."""

# training videos: below, the better answers of two networks were worth their time (benchmarks/README.md, Accuracy)
FEW = 1000
FOR_FEW = "efficientnet_lite0_vtn_two_stream"  # the encoder's weights come with pip
FOR_MORE = "efficientnet_lite0_vtn"


def proposed_model(num_training: int) -> str:
    """Name of a model for so many training videos."""
    return FOR_FEW if num_training < FEW else FOR_MORE
