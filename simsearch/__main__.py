"""The program: python -m simsearch, and the command that is installed."""

import sys


def main() -> None:
    """Run the command line; an interrupt while it is still being loaded ends it quietly, too."""
    try:
        from simsearch.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
