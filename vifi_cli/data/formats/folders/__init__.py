"""Videos in folders: classes and splits as folders, and the tree in which lists find their files."""
