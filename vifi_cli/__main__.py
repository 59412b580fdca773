"""Entry point of `vifi` and `python -m vifi_cli`."""

from vifi_cli import processors, stop_signals


def main() -> None:
    """Runs `vifi_cli.cli.app.main`; whichever signal stops it, it ends as after Ctrl-C."""
    try:
        stop_signals.raise_on_stop()  # at once: the first process of a container ignores signals without a handler
        processors.limit_threads_of_libraries()  # before any of them is loaded
        from vifi_cli.cli.app import main as run

        run()
    except KeyboardInterrupt as stop:  # before the command could handle it, or after
        stop_signals.leave(stop_signals.heed(stop))
    except SystemExit as end:
        if isinstance(end.code, int) and end.code - 128 in stop_signals.STOP_SIGNALS:
            stop_signals.leave(end.code)
        raise


if __name__ == "__main__":
    main()
