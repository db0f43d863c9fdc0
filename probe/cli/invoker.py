"""Under sudo: going on as the user who called it, so that what is written is theirs and not root's."""

import os
from collections.abc import Mapping


def become_invoker(environ: Mapping[str, str]) -> None:
    """Become the user that sudo names, if there is one.

    Where this process may not do that, as in a user namespace, it stays who it is: its capabilities are
    dropped all the same.
    """
    user, group, name = (environ.get(key, "") for key in ("SUDO_UID", "SUDO_GID", "SUDO_USER"))
    if os.geteuid() != 0 or not (user.isdecimal() and group.isdecimal() and name):
        return
    uid, gid = int(user), int(group)
    try:
        os.initgroups(name, gid)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError:  # not permitted, or no such user here
        return
