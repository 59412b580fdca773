"""Annotation files that vifi writes for ELAN and BORIS, which the readers beside read again."""
