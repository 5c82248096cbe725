"""The program: python -m simsearch, and the command that is installed."""

import signal


def main() -> None:
    """Run the command line; an interrupt while it is still being loaded ends it at once."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from simsearch.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
