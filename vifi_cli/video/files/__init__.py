"""Which files, folders of frames and members of tar files are videos, and whether one is the same as before."""
