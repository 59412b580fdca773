"""A server as a program, for a browser: `python -m tests.web.served INDEX CACHE`."""

import sys
from contextlib import suppress
from pathlib import Path

from tests.color_encoder import ColorEncoder
from vifi_cli.web.app import make_app
from vifi_cli.web.server import address_of, listen, run


def main(index: Path, cache: Path) -> None:
    app = make_app(index, cache, lambda _: ColorEncoder())
    with listen("127.0.0.1", 0) as listening:
        print(address_of(listening), flush=True)
        with suppress(KeyboardInterrupt):
            run(app, listening, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
