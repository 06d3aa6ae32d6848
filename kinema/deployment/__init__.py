"""model.pth -> model.onnx -> model.xml, there where it was verified that it equals model.pth."""
