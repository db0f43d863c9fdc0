"""`bindprobe doctor`: why an address does not answer, and what mends it."""

import typer

from probe.app.engines import Engine
from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.report.formats import Form

_HELP = with_examples(
    "Find out why addresses do not answer, and what mends it; without an address, check this machine."
    " Nothing on this machine is changed.",
    (
        "bindprobe doctor --lan 192.168.1.20 --vpn 10.8.0.20 -p 8000",
        "sudo bindprobe doctor --vpn 10.8.0.20 --watch",
    ),
)


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form(form for form in Form if form.doctor_renderer)
def doctor(  # noqa: PLR0913 - each is a flag
    *,
    addresses: options.Addresses = None,
    lan: options.Lan = None,
    vpn: options.Vpn = None,
    public: options.Public = None,
    ports: options.DoctorPorts = None,
    engine: options.EngineChoice = Engine.AUTO,
    only_ipv4: options.OnlyIPv4 = False,
    only_ipv6: options.OnlyIPv6 = False,
    timeout: options.Timeout = 1.0,
    retries: options.Retries = 2,
    watch: options.Watch = False,
    form: Form = Form.TABLE,
    output: options.Output = None,
    redact: options.Redact = False,
    _color: options.Colour = options.ColourChoice.AUTO,
    verbose: options.DoctorVerbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Find out why addresses do not answer, and what mends it; without an address, check this machine.

    Nothing on this machine is changed.
    """
    from probe import interruption
    from probe.app.checkup import checkup_of
    from probe.app.engine_request import EngineRequest
    from probe.app.target import Target
    from probe.cli import doctoring
    from probe.cli.output import Destination
    from probe.model.plan import Timing

    request = EngineRequest(engine)
    timing = Timing(timeout, retries)
    every, free = doctoring.split_seconds(addresses or ()) if watch else (None, tuple(addresses or ()))
    destination = Destination.of(form, output, detail=verbose)
    families = options.families_of(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    target = Target(free, lan or (), vpn or (), public or (), ports, families=families)
    checkup = checkup_of(target, timing)
    printer = doctoring.printer_of(destination, every, redact=redact)
    with doctoring.checker(checkup, request, destination, quiet=quiet) as check, interruption.held():
        code = printer.run(check)
    raise typer.Exit(code)
