"""How an encoder runs: torch or ONNX Runtime, devices, fingerprints."""
