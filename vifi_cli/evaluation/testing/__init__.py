"""Settings, views, class texts and predictions."""
