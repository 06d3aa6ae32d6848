"""quantization.json -> what a job and `kinema show` say of an INT8 model, or of there being none."""

from kinema.records.quantization import Quantization, RecipeResult


def why_none(record: Quantization) -> str:
    """Why no recipe was chosen, in words."""
    tried = [each for each in record.recipes if each.outcome in ("refused", "failed")]
    if not tried:
        return f"none of the recipes {', '.join(each.name for each in record.recipes)} is for this network"
    return (
        f"PyTorch has {record.pytorch_video_top1:.4f} of {record.num_videos} {record.subset} videos right, and no "
        f"recipe keeps its answers ({', '.join(map(_in_short, tried))}; deployment.int8.max_accuracy_drop = "
        f"{record.max_accuracy_drop:g})"
    )


def _in_short(result: RecipeResult) -> str:
    if result.video_top1 is None:
        return f"{result.name} failed"
    return f"{result.name} has {result.video_top1:.4f} right and {result.num_disagreements} other answers"


def in_words(record: Quantization) -> str:
    """What the chosen recipe gave, and whether it is worth it on this machine."""
    result = next(each for each in record.recipes if each.name == record.chosen)
    assert result.milliseconds is not None
    assert result.num_bytes is not None
    ratio = record.milliseconds / result.milliseconds
    worth = f"{ratio:.2f} times as fast as" if ratio >= 1 else f"slower, {1 / ratio:.2f} times as long as"
    return (
        f"recipe {record.chosen}, {result.video_top1:.4f} of {record.num_videos} {record.subset} videos right (PyTorch "
        f"{record.pytorch_video_top1:.4f}), {result.num_bytes / record.num_bytes:.2f} of the size; {worth} the model "
        f"that is not quantised, at {record.precision} here"
    )
