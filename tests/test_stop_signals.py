"""Stop signals in small programs of their own, which print what happens to them."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from vifi_cli import stop_signals
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("hang_up_counts")


def run(program: str) -> "subprocess.CompletedProcess[str]":
    """Runs a program in which stop signals raise exceptions."""
    begin = """
        import os, signal, sys, time
        from vifi_cli import stop_signals
        stop_signals.raise_on_stop()
    """
    code = textwrap.dedent(begin) + textwrap.dedent(program)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_stop_in_a_destructor_is_raised_again_afterwards() -> None:
    done = run("""
        class Closing:
            def __del__(self):
                signal.raise_signal(signal.SIGTERM)

        try:
            Closing()
            print("lost for now", flush=True)
            signal.pause()
        except stop_signals.Stopped as stop:
            print(stop)
    """)
    assert done.stdout == "lost for now\nstopped by SIGTERM\n"
    assert done.stderr == "", "no traceback of the destructor"


@pytest.mark.parametrize(
    ("numbers", "codes"), [((15, 15), "143"), ((2, 15), "130 143"), ((1, 2), "129"), ((2, 2), "130")]
)
def test_a_signal_that_comes_twice_at_once_counts_as_one(numbers: tuple[int, int], codes: str) -> None:
    done = run(f"""
        for number in {numbers}:
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt as stop:
                print(stop_signals.heed(stop), end=" ")
    """)
    assert done.stdout.strip() == codes, "only what Ctrl-C did not end is ended by another signal"


def test_a_stop_that_a_library_loses_is_raised_again() -> None:
    done = run("""
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:  # on its way, it is not raised a second time
            started = time.monotonic()
            while time.monotonic() - started < 2 * stop_signals.RETRY_SECONDS:
                pass
            print("cleaned up", flush=True)
        try:
            signal.pause()
        except stop_signals.Stopped as stop:
            print(stop)
            print(stop_signals.heed(stop), stop_signals.unheeded())
    """)
    assert done.stdout.splitlines() == ["cleaned up", "stopped by SIGTERM", "143 None"]


def test_what_is_deferred_is_completed_first() -> None:
    done = run("""
        heard = []
        with stop_signals.handled_by(heard.append):
            with stop_signals.deferred():
                signal.raise_signal(signal.SIGHUP)
                print(heard)
            print(heard)
        try:
            with stop_signals.deferred():
                signal.raise_signal(signal.SIGUSR1)
                print("completed")
        except stop_signals.Stopped as stop:
            print(stop_signals.in_words(stop))
    """)
    assert done.stdout.splitlines() == ["[]", "[1]", "completed", "stopped by SIGUSR1"]


def test_a_stop_on_its_way_through_a_generator_is_not_raised_again_in_what_is_deferred() -> None:
    """An index run stores what is complete while the stop waits in the generator that it has reached."""
    done = run("""
        def complete():
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                yield "stored"
                raise

        again = signal.getsignal(signal.SIGALRM)
        for name in complete():
            with stop_signals.deferred():
                again(signal.SIGALRM, None)
                print(name, "and counted")
            try:
                again(signal.SIGALRM, None)
            except KeyboardInterrupt:
                print("stopped")
                break
    """)
    assert (done.stdout, done.stderr) == ("stored and counted\nstopped\n", "")


def test_what_was_ignored_or_handled_before_is_left_alone() -> None:
    done = run("""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, lambda *_: print("its own"))
        stop_signals.raise_on_stop()
        with stop_signals.handled_by(lambda number: print("ours", number)), stop_signals.deferred():
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGHUP)
        print("goes on")
    """)
    assert done.stdout.splitlines() == ["its own", "goes on"]


def test_leaving_does_not_wait_for_threads() -> None:
    done = run("""
        import atexit, threading
        atexit.register(print, "cleaned up")
        threading.Thread(target=time.sleep, args=(1000,)).start()
        stop_signals.leave(143)
    """)
    assert (done.returncode, done.stdout) == (143, "cleaned up\n")


def test_an_error_made_of_a_stop_is_one() -> None:
    stop = stop_signals.Stopped(signal.SIGTERM)
    error = ImportError("a library could not be loaded")
    error.__context__ = ValueError()
    assert stop_signals.stop_behind(error) is None
    error.__context__.__cause__ = stop
    assert stop_signals.stop_behind(error) is stop


def _pid(_report: object) -> int:
    import os

    return os.getpid()


def test_a_worker_leaves_signals_of_others_to_its_parent() -> None:
    """They come from a third process, as when a terminal or `timeout` sends one to all of a group."""
    with IsolatedWorker() as worker:
        before = worker.call(_pid, Answers(int))
        for number in stop_signals.STOP_SIGNALS:
            subprocess.run(["kill", f"-{number.name.removeprefix('SIG')}", str(before)], check=True)
            assert worker.call(_pid, Answers(int)) == before, number.name


def test_a_worker_ends_by_the_sigterm_of_its_parent() -> None:
    """Python sends it at its end, and then waits for ever."""
    with IsolatedWorker() as worker:
        process = psutil.Process(worker.call(_pid, Answers(int)))
        process.terminate()
        assert process.wait(20) in (0, None)
