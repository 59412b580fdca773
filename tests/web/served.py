"""A server as a program, for a browser: `python -m tests.web.served INDEX CACHE [LIMITS]`, limits as JSON."""

import json
import sys
from contextlib import suppress
from pathlib import Path

from tests.color_encoder import ColorEncoder
from vifi_cli import stop_signals
from vifi_cli.web.app import make_app
from vifi_cli.web.connections import Limits
from vifi_cli.web.server import address_of, listen, run


def main(index: Path, cache: Path, limits: Limits | None) -> None:
    app = make_app(index, cache, lambda _: ColorEncoder())
    with listen("127.0.0.1", 0) as listening:
        print(address_of(listening), flush=True)
        with suppress(KeyboardInterrupt):
            run(app, listening, lambda text: print(text, file=sys.stderr), limits)


if __name__ == "__main__":
    stop_signals.raise_on_stop()  # as the program does
    main(
        Path(sys.argv[1]), Path(sys.argv[2]), Limits(**json.loads(sys.argv[3])) if len(sys.argv) > 3 else None
    )
