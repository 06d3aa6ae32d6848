"""Clip index + experiment -> model.pth."""
