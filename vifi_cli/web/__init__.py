"""The viewer: a web page over the API, served on this machine, with previews made on demand."""
