"""Messages that nobody can read are lost, and nothing else."""

import os
import pty

from vifi_cli.cli.terminal.message_stream import unfailing


def test_a_closed_terminal_costs_only_what_is_written_to_it() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        stream = unfailing(terminal)
        assert stream.isatty()
        print("shown", file=stream)
        assert os.read(ours, 100) == b"shown\r\n"
        os.close(ours)
        for _ in range(2):  # the first write fails, the others go to the null device
            print("lost", file=stream)


def test_a_reader_that_left_costs_only_what_is_written_to_it() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        stream = unfailing(pipe)
        os.close(reading)
        print("lost", file=stream)
