"""Entry point of `vifi` and `python -m vifi_cli`; exits quietly when interrupted."""

import sys


def main() -> None:
    """Runs `vifi_cli.cli.app.main`."""
    try:
        from vifi_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:  # before the command could handle it
        sys.exit(130)


if __name__ == "__main__":
    main()
