"""How the index runs an encoder: torch or ONNX Runtime, on which device."""
