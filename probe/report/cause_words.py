"""What each cause means, in words: for the text report and the README."""

from collections.abc import Mapping

from probe.model.diagnosis import Cause

MEANINGS: Mapping[Cause, str] = {
    Cause.NONE: "nothing seems wrong",
    Cause.HANDSHAKE_NEVER: "the WireGuard peer never answered: wrong key or endpoint, or its port is blocked",
    Cause.TUNNEL_STALE: "the tunnel worked once, but its far end no longer answers",
    Cause.TUNNEL_DOWN: "the tunnel's interface is switched off or gone",
    Cause.NOT_IN_ALLOWED_IPS: "no peer's allowed IPs on this machine have the address, so nothing is sent",
    Cause.PEER_REJECTS_SOURCE: "the far end's allowed IPs do not have this machine's address in the tunnel",
    Cause.NO_RETURN_ROUTE: "the target gets the packets, but has no route back",
    Cause.WRONG_ROUTE: "this machine does not send by the link that leads there",
    Cause.SUBNET_OVERLAP: "a nearer network uses the same addresses, so another host is asked",
    Cause.LOCAL_FIREWALL: "this machine's own packet filter is in the way",
    Cause.REVERSE_PATH_FILTER: "answers come back over another link and are dropped (rp_filter)",
    Cause.TARGET_FIREWALL: "the target's packet filter drops or rejects",
    Cause.PATH_FIREWALL: "a box on the way drops or rejects",
    Cause.MTU_BLACK_HOLE: "small packets pass, full ones vanish without a word",
    Cause.DNS: "the name gives a wrong address, or none",
    Cause.HOST_DOWN: "nobody has the address: the host is off or not on that network",
    Cause.NO_SUCH_ADDRESS: "the far end answers, but says that nobody there has the address",
    Cause.CLIENT_ISOLATION: "the access point keeps its clients apart",
    Cause.HAIRPIN: "a router does not forward its public address from the inside",
    Cause.NOT_FORWARDED: "the router does not forward the port to the host",
    Cause.NOT_BOUND: "the host is reached, but nothing listens on the port at this address",
}
