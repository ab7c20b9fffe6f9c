"""The composition root: starts the command line, and turns what goes wrong into one sentence and an exit code."""

import os
import sys

from ehscheduler.cli import app
from ehscheduler.errors import EhsError, where


def main() -> None:
    """Run one command; exit 0 done, 1 the input or policy has problems, 2 usage."""
    try:
        app()
    except EhsError as error:
        for line in str(error).splitlines():
            print(line, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # What an exception says may quote a case: its kind and its place in the program are enough to find it.
        print(f"Something went wrong that should not ({where(error)}); report this as a fault.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
