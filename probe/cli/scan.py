"""`bindprobe scan`: probe a target's addresses and say what each port is bound to."""

import typer

from probe.app.engines import Engine, EngineRequest
from probe.cli import options
from probe.cli.app import app


@app.command()
def scan(  # noqa: PLR0913 - each is a flag
    *,
    addresses: options.Addresses = None,
    lan: options.Lan = None,
    vpn: options.Vpn = None,
    public: options.Public = None,
    ports: options.Ports = None,
    running: options.Running = None,
    engine: options.EngineChoice = Engine.AUTO,
    pcap: options.PacketFile = None,
    l2: options.Layer2 = False,
    fin: options.Fin = False,
    timeout: options.Timeout = 1.0,
    retries: options.Retries = 2,
    rate: options.Rate = None,
    only_ipv4: options.OnlyIPv4 = False,
    only_ipv6: options.OnlyIPv6 = False,
    plan: options.ShowPlan = False,
    no_greetings: options.NoGreetings = False,
    picture: options.Picture = False,
    as_json: options.AsJson = False,
    as_ndjson: options.AsNdjson = False,
    as_csv: options.AsCsv = False,
    as_markdown: options.AsMarkdown = False,
    output: options.Output = None,
    strict: options.Strict = False,
    all_ports: options.AllPorts = False,
    redact: options.Redact = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Probe a target's addresses and say what each port is bound to, or what blocks it."""
    from probe.app.target import Target
    from probe.cli import measure
    from probe.cli.output import choose, forms_of

    request = EngineRequest(engine, pcap, l2, fin, greetings=not no_greetings)
    timing = measure.timing_of(timeout, retries, rate)
    forms = forms_of(
        picture=picture, as_json=as_json, as_ndjson=as_ndjson, as_csv=as_csv, as_markdown=as_markdown
    )
    destination = choose(forms, output, detail=verbose)
    families = options.families_of(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    target = Target(addresses or (), lan or (), vpn or (), public or (), ports, running, families)
    if plan:
        measure.print_plan(target, timing, destination, request, quiet=quiet)
        return
    how = measure.ScanOptions(quiet=quiet, strict=strict, all_ports=all_ports, redact=redact)
    raise typer.Exit(measure.run(target, timing, destination, request, how))
