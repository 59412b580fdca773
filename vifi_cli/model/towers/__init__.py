"""The image and text encoders: open_clip, starter, and the ViFi-CLIP network."""
