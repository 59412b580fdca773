"""Low-rank adapters (LoRA): small matrices that are learned beside the weights of both towers."""
