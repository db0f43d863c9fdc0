"""`bindprobe doctor`: why an address does not answer, and what mends it."""

import typer

from probe.cli import options
from probe.cli.app import app


@app.command()
def doctor(  # noqa: PLR0913 - each is a flag
    *,
    addresses: options.Addresses = None,
    lan: options.Lan = None,
    vpn: options.Vpn = None,
    public: options.Public = None,
    ports: options.DoctorPorts = None,
    engine: options.EngineChoice = options.Engine.AUTO,
    only_ipv4: options.OnlyIPv4 = False,
    only_ipv6: options.OnlyIPv6 = False,
    timeout: options.Timeout = 1.0,
    retries: options.Retries = 2,
    watch: options.Watch = False,
    as_json: options.AsJson = False,
    output: options.Output = None,
    redact: options.Redact = False,
    quiet: options.Quiet = False,
) -> None:
    """Say why addresses of a target do not answer, and what mends it; without an address, check this machine.

    Nothing on this machine is changed.
    """
    from probe import interruption
    from probe.cli import doctoring, engines
    from probe.cli.measure import timing_of
    from probe.cli.output import Form, choose
    from probe.cli.targets import families_of, places_of
    from probe.cli.watching import EVERY_S, split_seconds
    from probe.model.target import Realm

    wish = engines.wish_of(engine, None, l2=False, fin=False)
    timing = timing_of(timeout, retries, None)
    every, free = split_seconds(addresses or ()) if watch else (EVERY_S, tuple(addresses or ()))
    destination = choose({Form.JSON: as_json}, output)
    places = places_of(free, ((Realm.LAN, lan), (Realm.VPN, vpn), (Realm.PUBLIC, public)))
    families = families_of(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    errand = doctoring.errand_of(places, ports, families, timing)
    printer = doctoring.printer_of(destination, every if watch else None, redact=redact)
    with doctoring.checker(errand, wish, destination, quiet=quiet) as check, interruption.held():
        code = printer.run(check)
    raise typer.Exit(code)
