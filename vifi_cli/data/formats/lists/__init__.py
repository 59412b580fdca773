"""Lists of videos with a label on each line: those of ViFi-CLIP, and your own."""
