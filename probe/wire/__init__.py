"""Packets as bytes: built, read, matched and written to files. Pure, scapy aside."""
