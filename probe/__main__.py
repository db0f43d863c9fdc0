"""`python -m probe`, and the `bindprobe` command."""


def main() -> None:
    """Run the command line. Signals come first: one that arrives while the program loads ends it quietly."""
    from probe import interruption  # noqa: PLC0415 - as below

    interruption.watch()
    from probe.cli.main import run  # noqa: PLC0415 - keeps `import probe` free of the command line

    run()


if __name__ == "__main__":
    main()
