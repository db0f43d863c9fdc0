"""`python -m probe`, and the `bindprobe` command."""


def main() -> None:
    """Run the command line."""
    from probe.cli.main import run  # noqa: PLC0415 - keeps `import probe` free of the command line

    run()


if __name__ == "__main__":
    main()
