"""One scenario in several worlds with several engines: running it there, and comparing what is said of it."""
