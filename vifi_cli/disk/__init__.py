"""Files on disk: replaced safely, with the right access rights, on any file system."""
