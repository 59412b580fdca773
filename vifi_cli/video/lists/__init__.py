"""Lists of moments for editors and players."""
