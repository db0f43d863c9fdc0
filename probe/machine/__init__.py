"""What this machine knows: routes, interfaces, neighbours, names. The only room that asks it."""
