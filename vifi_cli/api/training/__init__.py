"""Training for programs: a request becomes a prepared run, which is then carried out."""
