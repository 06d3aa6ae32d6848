"""model.pth -> model.onnx -> verified model.xml."""
