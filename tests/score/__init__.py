"""How good the verdicts are: random worlds with a known truth, graded beside a plain reading of nmap."""
