"""What a program needs that uses a trained model: no PyTorch, nothing of the training or of the workflow.

    from kinema.inference import load

    model = load("results/demo/efficientnet_lite0_vtn/model.xml")
    print(model.predict("video.mp4").top(5))

The stages share the parts: which frames make a clip, how they become pixels of the input, what a class probability is.
"""

import importlib
from typing import Any

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # When it is asked for, and not by an `import` statement: a stage that shares a part would else load the whole
    # client, and be stale with it.
    if name in __all__:
        return getattr(importlib.import_module("kinema.inference.model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
