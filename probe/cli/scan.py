"""`bindprobe scan`: probe a target's addresses and infer what each port is bound to."""

from typing import TYPE_CHECKING

import typer

from probe.app.engines import Engine
from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.report.formats import Form

if TYPE_CHECKING:
    from probe.app.engine_request import EngineRequest
    from probe.app.target import Target
    from probe.cli import measure
    from probe.cli.output import Destination
    from probe.model.plan import Timing

_HELP = with_examples(
    "Probe a target's addresses and infer what each port is bound to, or what blocks it.",
    (
        "bindprobe 192.168.1.20",
        "bindprobe scan --lan 192.168.1.20 --vpn 10.8.0.20 -p 22,5432,8000",
    ),
)


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form()
def scan(  # noqa: PLR0913 - each is a flag
    *,
    addresses: options.Addresses = None,
    lan: options.Lan = None,
    vpn: options.Vpn = None,
    public: options.Public = None,
    ports: options.Ports = None,
    top_ports: options.TopPorts = None,
    running: options.Running = None,
    engine: options.EngineChoice = Engine.AUTO,
    pcap: options.PacketFile = None,
    l2: options.Layer2 = False,
    fin: options.Fin = False,
    timeout: options.Timeout = 1.0,
    retries: options.Retries = 2,
    rate: options.Rate = None,
    interface: options.Interface = None,
    source: options.Source = None,
    only_ipv4: options.OnlyIPv4 = False,
    only_ipv6: options.OnlyIPv6 = False,
    plan: options.ShowPlan = False,
    no_greetings: options.NoGreetings = False,
    no_controls: options.NoControls = False,
    confirm: options.Confirm = None,
    watch: options.WatchEvery = None,
    metrics: options.Metrics = None,
    form: Form = Form.TABLE,
    output: options.Output = None,
    strict: options.Strict = False,
    all_ports: options.AllPorts = False,
    redact: options.Redact = False,
    _color: options.Colour = options.ColourChoice.AUTO,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Probe a target's addresses and infer what each port is bound to, or what blocks it."""
    from probe.app.engine_request import EngineRequest
    from probe.app.target import Target
    from probe.cli import measure
    from probe.cli.output import Destination
    from probe.model.plan import Timing

    request = EngineRequest(
        engine, pcap, l2, fin, not no_controls, not no_greetings, interface, tuple(source or ())
    )
    timing = Timing(timeout, retries, rate)
    destination = Destination.of(form, output, detail=verbose, every_row=all_ports)
    destination.require_apart_from(pcap)
    families = options.families_of(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    wanted = options.ports_of(ports, top_ports)
    target = Target(addresses or (), lan or (), vpn or (), public or (), wanted, running, families)
    if plan:
        measure.print_plan(target, timing, destination, request, quiet=quiet)
        return
    beside = None if metrics is None else Destination.of(Form.TABLE, metrics)
    how = measure.ScanOptions(
        quiet, strict, all_ports or metrics is not None, redact, confirm, watch or 0.0, beside
    )
    raise typer.Exit(_run(target, timing, destination, request, how))


def _run(
    target: "Target",
    timing: "Timing",
    destination: "Destination",
    request: "EngineRequest",
    how: "measure.ScanOptions",
) -> int:
    """Scan once, or again and again; the exit code."""
    from probe.cli import measure

    if how.metrics is not None:
        how.metrics.check()
    if not how.every:
        return measure.run(target, timing, destination, request, how)
    from probe.cli import watching

    watching.require_sense(destination, how)
    return watching.watch(target, timing, destination, request, how)
