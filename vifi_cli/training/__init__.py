"""Fine-tuning: recipes, the loop that carries them out, and the folder a run leaves behind."""
