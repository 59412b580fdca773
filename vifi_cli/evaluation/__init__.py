"""How well a model names what videos show."""
