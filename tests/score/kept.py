"""Graded hosts in a file, a line each, so that many can be graded in several runs and on several machines.

What a file has is not graded again, and files are merged by `cat`. A line names its family, engine, world and
seed, and has the truth of the host's ports and everybody's claims.
"""

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from probe.model.binding import Binding, Candidate
from score.grade import Claim, Fact

Pair = tuple[Claim, Fact]
Pairs = Mapping[str, list[Pair]]  # by who claims
Key = tuple[str, str, str, int]  # family, engine, world, seed


def read(path: Path) -> dict[Key, Pairs]:
    """Every host of a file; none where there is no file. A last line that was cut off is left out."""
    text = path.read_text(encoding="ascii") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    return dict(map(_host, whole.splitlines()))


def append(path: Path, key: Key, pairs: Pairs) -> None:
    """Write one host more, in one piece."""
    family, engine, world, seed = key
    facts = [_of_fact(fact) for _, fact in next(iter(pairs.values()))]
    claims = {who: [_of_claim(claim) for claim, _ in some] for who, some in pairs.items()}
    line = {
        "family": family,
        "engine": engine,
        "world": world,
        "seed": seed,
        "facts": facts,
        "claims": claims,
    }
    with path.open("a", encoding="ascii") as file:
        file.write(json.dumps(line) + "\n")


def _host(line: str) -> tuple[Key, Pairs]:
    host = json.loads(line)
    facts = [Fact(Binding(binding), _ips(ips)) for binding, ips in host["facts"]]
    pairs = {
        who: list(zip(map(_claim, claims), facts, strict=True)) for who, claims in host["claims"].items()
    }
    return (host["family"], host["engine"], host["world"], host["seed"]), pairs


def _ips(texts: list[str]) -> frozenset[Any]:
    return frozenset(map(ip_address, texts))


def _of_fact(fact: Fact) -> list[Any]:
    return [fact.binding, sorted(map(str, fact.bound_to))]


def _of_claim(claim: Claim) -> list[Any]:
    return [claim.binding, sorted(map(str, claim.bound_to)), claim.confidence, list(_of_candidates(claim))]


def _of_candidates(claim: Claim) -> Iterator[list[Any]]:
    for one in claim.candidates:
        yield [one.binding, list(map(str, one.bound_to)), round(one.probability, 7)]


def _claim(row: list[Any]) -> Claim:
    binding, bound_to, confidence, candidates = row
    return Claim(
        Binding(binding),
        _ips(bound_to),
        confidence,
        tuple(
            Candidate(binding=Binding(name), bound_to=tuple(map(ip_address, ips)), probability=share)
            for name, ips, share in candidates
        ),
    )
