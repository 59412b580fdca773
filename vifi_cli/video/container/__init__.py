"""Opening a file, the stream that is read, and its packets on the file's clock."""
