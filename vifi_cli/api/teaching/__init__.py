"""Teaching concepts by marking moments right or wrong."""
