"""quantization.json -> what a job and `kinema show` say of an INT8 model, or of there being none."""

from kinema.records.quantization import Quantization, RecipeResult


def why_none(record: Quantization) -> str:
    """Why no recipe was chosen, in words."""
    tried = [each for each in record.recipes if each.outcome in ("refused", "failed")]
    if not tried:
        return f"none of the recipes {', '.join(each.name for each in record.recipes)} is for this network"
    short = ", ".join(_in_short(each, record.num_videos) for each in tried)
    return (
        f"PyTorch has {_right(record.pytorch_video_top1, record)} right, and no recipe passes ({short}; "
        f"deployment.int8.max_accuracy_drop = {record.max_accuracy_drop:g})"
    )


def in_words(record: Quantization) -> str:
    """What the chosen recipe gave, and whether it is worth it on this machine."""
    result = next(each for each in record.recipes if each.name == record.chosen)
    assert result.milliseconds is not None
    assert result.num_bytes is not None
    ratio = record.milliseconds / result.milliseconds
    worth = f"{ratio:.2f} times as fast as" if ratio >= 1 else f"slower here, {1 / ratio:.2f} times as long as"
    return (
        f"recipe {record.chosen}, {_right(result.video_top1 or 0.0, record)} right, PyTorch "
        f"{round(record.pytorch_video_top1 * record.num_videos):,}; {result.num_bytes / record.num_bytes:.2f} of the "
        f"size, {worth} what is not quantised, at {record.precision} on {record.device}"
    )


def _in_short(result: RecipeResult, num_videos: int) -> str:
    if result.video_top1 is None:
        return f"{result.name} failed"
    right = round(result.video_top1 * num_videos)
    return f"{result.name} has {right:,} right and {result.num_disagreements:,} other answers"


def _right(rate: float, record: Quantization) -> str:
    return f"{round(rate * record.num_videos):,} of {record.num_videos:,} {record.subset} videos"
