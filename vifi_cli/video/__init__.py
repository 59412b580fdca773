"""From files to frames: discovery, sampling and decoding with numpy and PyAV, without torch."""
