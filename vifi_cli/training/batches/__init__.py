"""From an epoch plan to tensors: loading, augmentation, mixup."""
