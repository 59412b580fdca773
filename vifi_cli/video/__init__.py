"""From files to frames and back, with numpy and PyAV, without torch; UnreadableVideo says why a file yields none."""
