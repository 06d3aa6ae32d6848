"""kinema: raw videos and an annotation list become a trained, evaluated and verified action-recognition model."""

__version__ = "0.1.0"
