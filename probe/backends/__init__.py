"""All that touches a socket: probes, pings, data through open ports, banners, keys, name servers."""
