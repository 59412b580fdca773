"""Classifiers fitted on the embeddings of a frozen model: linear probe and Tip-Adapter."""
