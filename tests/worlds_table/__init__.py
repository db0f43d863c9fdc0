"""One scenario in several worlds with several engines: running it there, and comparing the reports."""
