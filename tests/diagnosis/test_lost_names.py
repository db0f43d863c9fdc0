"""Names without an address: a dead name server is separated from a name that nobody knows."""

from ipaddress import ip_address

import pytest

from probe.diagnosis import diagnose_name
from probe.model.diagnosis import Cause
from probe.model.exam import NameAnswer
from probe.model.fixes import FixRule
from probe.model.machine import Resolvers
from probe.model.measured_facts import FactRule
from probe.model.symptoms import Symptom
from probe.model.unread import NameFailure, NameFailureRule

ONE, TWO = ip_address("192.0.2.53"), ip_address("192.0.2.54")
SILENT = NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=1.0)
UNKNOWN = NameFailure(rule=NameFailureRule.NO_SUCH_NAME)


@pytest.mark.parametrize(
    ("failures", "servers", "rules"),
    [
        ((SILENT, SILENT), (ONE, TWO), [FixRule.CHECK_NAME_SERVER, FixRule.GIVE_IP_ADDRESS]),
        ((SILENT, UNKNOWN), (ONE, TWO), [FixRule.GIVE_IP_ADDRESS]),
        ((), (), [FixRule.SET_NAME_SERVER, FixRule.GIVE_IP_ADDRESS]),
        ((), None, [FixRule.GIVE_IP_ADDRESS]),
    ],
)
def test_what_mends_it(failures, servers, rules) -> None:
    """Servers that are all silent come first; where one knows better, the name is wrong."""
    answers = [NameAnswer(server, (), why) for server, why in zip((ONE, TWO), failures, strict=False)]
    resolvers = Resolvers(servers, source="/etc/resolv.conf")
    found = diagnose_name("box.test", "vpn", "no host box.test is known", answers, resolvers)
    (cause,) = found.causes
    assert (found.name, found.realm, cause.cause, cause.probability) == ("box.test", "vpn", Cause.DNS, 1.0)
    assert [one.rule for one in cause.evidence] == [Symptom.NAME_UNRESOLVED]
    assert [fix.rule for fix in cause.fix] == rules
    assert [fact.rule for fact in found.measured] == [FactRule.NAME_ANSWER] * len(failures)
