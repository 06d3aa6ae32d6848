"""Exported networks as functions of arrays, one file for each library that runs them."""
