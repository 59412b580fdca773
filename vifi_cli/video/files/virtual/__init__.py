"""Videos that are not files of their own: folders of frames, and members of tar files."""
