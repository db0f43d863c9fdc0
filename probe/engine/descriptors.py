"""How many sockets this process may hold at once."""

SPARE = 64  # descriptors left to the rest of the program: files, pipes, the poller
_UNKNOWN = 512  # where the system names no limit


def allow_sockets(wanted: int) -> int:
    """Raise the soft limit of open files towards the hard one, and say how many sockets fit below it.

    Args:
        wanted: sockets that are useful; the limit is never lowered, nor raised further than they need.
    """
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return _UNKNOWN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + SPARE
    if soft != resource.RLIM_INFINITY and soft < need:
        ceiling = need if hard == resource.RLIM_INFINITY else min(need, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
        except (OSError, ValueError):  # macOS refuses more than its own maximum, whatever `hard` says
            ceiling = soft
        soft = ceiling
    return need - SPARE if soft == resource.RLIM_INFINITY else max(1, soft - SPARE)
