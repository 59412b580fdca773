"""vifi: find the moment in your videos, with CLIP models you can fine-tune."""

__version__ = "0.1.0"
