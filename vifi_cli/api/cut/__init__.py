"""Cutting moments out of videos: plan, render, write."""
