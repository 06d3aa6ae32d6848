"""kinema: raw videos and a list become a trained and evaluated action-recognition model with a verified export."""

__version__ = "0.1.0"
