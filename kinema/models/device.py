"""`training.accelerator`, one of Lightning's names -> the device that PyTorch computes on."""

import torch

from kinema.input_error import InputError

CHOICES = {"auto": ("cuda", "cpu"), "gpu": ("cuda", "mps")}  # the first that is there


def device_of(accelerator: str) -> torch.device:
    """The device; InputError where none of that name is seen here."""
    is_seen = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    for name in CHOICES.get(accelerator, (accelerator,)):
        if is_seen[name]:
            return torch.device(name)
    seen = ", ".join(name for name, there in is_seen.items() if there)
    raise InputError(
        f"training.accelerator is {accelerator}, but PyTorch sees no such device here, only {seen}; set it to auto or "
        "cpu, or install a PyTorch for this device"
    )
