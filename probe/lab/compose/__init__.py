"""Scenarios in Docker containers, as `docker-compose.yml` wires them: the netns world's hosts once more."""
