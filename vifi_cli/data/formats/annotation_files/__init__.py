"""Annotation files of labeling tools: BORIS, ELAN, CVAT and VIA."""
