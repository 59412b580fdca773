"""A page for looking at what is indexed, served on this machine: HTML without a build step, previews made on demand."""
