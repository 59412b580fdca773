"""A server as a program, for a browser: `python -m tests.web.served INDEX CACHE [LIMITS [ROOT_PATH [HOST ...]]]`."""

import json
import sys
from contextlib import suppress
from pathlib import Path

from tests.color_encoder import ColorEncoder
from vifi_cli import stop_signals
from vifi_cli.web.app import make_app
from vifi_cli.web.connections import Limits
from vifi_cli.web.location.addresses import addresses_of
from vifi_cli.web.location.hosts import Hosts
from vifi_cli.web.server import listen, run


def main(index: Path, cache: Path, limits: str = "{}", root_path: str = "", *allowed: str) -> None:
    hosts = Hosts(allowed=frozenset(allowed))
    app = make_app(index, cache, lambda _: ColorEncoder(), hosts=hosts, root_path=root_path)
    with listen("127.0.0.1", 0) as listening:
        print(addresses_of(listening)[-1], flush=True)
        with suppress(KeyboardInterrupt):
            own = Limits(**json.loads(limits)) if limits != "{}" else None
            run(app, listening, lambda text: print(text, file=sys.stderr), own)


if __name__ == "__main__":
    stop_signals.raise_on_stop()  # as the program does
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
