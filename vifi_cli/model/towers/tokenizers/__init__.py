"""From texts to the token numbers that a text tower reads."""
