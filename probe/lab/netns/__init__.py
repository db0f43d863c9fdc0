"""The netns world: real Linux hosts in network namespaces without a way out, built from a scenario.

`layout` has which hosts, wires, addresses, rules and sockets a scenario means; `links` and `rules` write
them as text for `ip` and `nft`. All three are pure. `hosts` holds the namespaces, `listeners` and `cable`
are what runs in them, `world` puts a scenario together, `enter` gets this process to where it may.
"""
