"""Pictures and their style: charts, attention figures, strips, contact sheets, and letters of any script."""
