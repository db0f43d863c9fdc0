"""What is known of services and their ports. Pure."""
