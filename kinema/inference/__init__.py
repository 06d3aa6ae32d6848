"""What a program needs that uses a trained model: no PyTorch, nothing of the training or of the workflow.

    from kinema.inference.model import load_model

    model = load_model("results/demo/efficientnet_lite0_vtn/model.xml")
    print(model.classify("video.mp4").top(5))

The stages share the parts: which frames make a clip, how they become pixels of the input, what a class probability is.
"""
