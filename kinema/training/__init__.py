"""Clip index + experiment -> model.pth: `run.train`, by Lightning; how an interrupted one goes on is in `resume`."""
