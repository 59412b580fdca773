"""Questions that a person at a terminal answers with yes or no."""

from vifi_cli.cli.terminal import output


def is_confirmed(question: str, advice: str) -> bool:
    """Asks until the answer is yes or no; no answer, or the end of the input, is a no.

    `advice` says what the two answers do.
    """
    while True:
        try:
            output.prompt(f"{question} [y/N]: ")
            answer = input().strip().lower()
        except EOFError:
            answer = "n"
            output.prompt("\n")  # the message begins a line of its own
        except KeyboardInterrupt:
            output.prompt("\n")
            raise
        if answer in ("y", "yes", "n", "no", ""):
            return answer.startswith("y")
        output.note(advice)
