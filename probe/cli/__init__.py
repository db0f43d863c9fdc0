"""The command line: flags to a request, a renderer, an exit code. One small file a command."""
