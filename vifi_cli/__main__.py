"""`python -m vifi_cli` is `vifi`."""

from vifi_cli.cli.app import main

if __name__ == "__main__":
    main()
