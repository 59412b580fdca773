"""Loggers of runs: TensorBoard, Weights & Biases and trackio get the same values"""
