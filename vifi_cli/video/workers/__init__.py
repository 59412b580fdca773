"""Decoding and rendering in processes that may die without taking vifi with them."""
