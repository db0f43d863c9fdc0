"""Where programs keep the list of peers that they serve: for advice and for the doctor's fixes."""

from collections.abc import Mapping

_WEB = "the allow and deny rules of the web server"
_LISTS: Mapping[str, str] = {
    "ssh": "/etc/hosts.allow and hosts.deny, and AllowUsers and Match in sshd_config",
    "mysql": "the host part of its users (SELECT user, host FROM mysql.user), and skip-networking",
    "postgresql": "pg_hba.conf",
    "redis": "protected-mode, bind and requirepass in redis.conf",
    **dict.fromkeys(("http", "https", "http-alt", "https-alt"), _WEB),
}


def access_list(service: str | None) -> str:
    """The place to look, by the customary service of the port."""
    return _LISTS.get(service or "", "its own access list (hosts.allow, hosts.deny, its configuration)")
