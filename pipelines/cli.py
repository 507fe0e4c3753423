"""The command line: `actorforge VERB ...` finds the verb, lets tyro turn flags into its arguments, and maps errors to exit codes.

Only the verb that runs is imported, so `--help` answers at once. Exit status: 0 when everything asked for is done or
recorded with a reason, 1 when nothing was kept, generated or scored (or `validate` found problems), 2 for wrong use,
130 after Ctrl-C (the same command continues). Set ACTORFORGE_DEBUG=1 to see the traceback of an error.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Callable, NoReturn, Sequence, get_args, get_type_hints

STOPPED = 130
"""The exit status after Ctrl-C."""
GOODBYE_S = 1.0
"""So long is waited for standard output and error to take the last words."""

SUMMARIES = {
    "demo": "the whole loop on small world clips; ends with the path of report.html",
    "world": "render a folder of clips from the procedural world",
    "plan": "what a dataset will cost before it is made: pairs, hours, bytes, money",
    "synthesize": "clips x identities -> a dataset of cross-identity pairs",
    "preview": "a dataset, finished or in the making -> one page with its pairs",
    "explain": "one pair of a dataset: where it comes from, how it was judged, the command that makes it again",
    "train": "a dataset or clips -> a checkpoint, which is an animator",
    "suite": "clips and images -> a suite; the same folder again lets it grow",
    "generate": "one animator over one suite -> a run",
    "score": "runs x metrics -> scores",
    "judge": "runs x a multimodal model -> scores 1-5, or which of two is better",
    "compare": "runs -> who beats whom, in sentences and one small table",
    "report": "runs or a dataset -> one table or page",
    "study": "runs -> a page on which people say which of two videos is better, and what they said",
    "metrics": "what a metric is, and the self-test of all of them",
    "ls": "list animators, suites, metrics, recipes, filters and other tables",
    "export": "a checkpoint or a dataset -> files and folders that other programs read",
    "validate": "check a suite, dataset, run, checkpoint or folder of media",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Without `argv` it is the program's own, and Ctrl-C ends the program here."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except BrokenPipeError:  # the reader of our output has left, as in `actorforge ls metrics | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        pass  # with it go the frames it came through: sessions, locks, drafts and children they held are closed now
    return _stopped(arguments) if argv is not None else _leave(arguments)


def _stopped(arguments: Sequence[str]) -> int:
    """Say so and flush, without waiting longer than a moment for a stream: a thread that is stopped too may hold its lock."""

    def say() -> None:
        with suppress(OSError):  # nobody reads on
            print(f"\n{' '.join(['actorforge', *arguments[:1]])}: stopped; the same command continues", file=sys.stderr, flush=True)
            sys.stdout.flush()

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(GOODBYE_S)
    return STOPPED


def _leave(arguments: Sequence[str]) -> NoReturn:
    """Say so, close what is still open, and end without the interpreter's own end, which aborts where a thread holds the lock of a stream.

    Such as that of a plug-in which prints. Another Ctrl-C ends it at once.
    """
    with suppress(KeyboardInterrupt):
        _stopped(arguments)
        gc.collect()  # what hangs in circles holds children too
        atexit._run_exitfuncs()
    os._exit(STOPPED)


def _dispatch(arguments: list[str]) -> int:
    verb = arguments[0] if arguments else ""
    if verb in ("", "-h", "--help"):
        print(_help())
        return 0 if verb else 2
    if verb == "--version":
        print(f"actorforge {_version()}")
        return 0
    if verb not in SUMMARIES:
        import difflib

        near = difflib.get_close_matches(verb, SUMMARIES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return _wrong_use("", f"verb: got {verb!r}, expected one of {', '.join(SUMMARIES)}{hint}")
    return _run(verb, arguments[1:])


def _run(verb: str, arguments: list[str]) -> int:
    import tyro

    from pipelines.verbs.wording import REGISTRY

    job = getattr(import_module(f"pipelines.verbs.{verb}"), verb)
    try:
        with REGISTRY:
            return int(tyro.cli(job, prog=_called(verb, job, arguments), description=SUMMARIES[verb], args=arguments))
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        if os.environ.get("ACTORFORGE_DEBUG"):
            raise
        return _wrong_use(verb, " ".join(str(error).split()))
    except Exception as error:
        if verb != "validate" or os.environ.get("ACTORFORGE_DEBUG"):
            raise
        print(f"unreadable: {type(error).__name__}: {' '.join(str(error).split())}")  # a damaged file can provoke anything: a finding
        return 1


def _called(verb: str, job: Callable[..., int], arguments: Sequence[str]) -> str:
    """The command as far as it is chosen, for usage lines: of a verb that asks `what` first, with that word."""
    words = get_args(get_type_hints(job).get("what"))
    return f"actorforge {verb} {arguments[0]}" if arguments and arguments[0] in words else f"actorforge {verb}"


def _wrong_use(verb: str, message: str) -> int:
    said = message.removeprefix(f"{verb}: ") if verb else message  # errors of a verb's own settings begin with its name
    print(f"actorforge {verb}".rstrip() + f": {said}", file=sys.stderr)
    return 2


def _help() -> str:
    lines = [f"  {verb:<11} {summary}" for verb, summary in SUMMARIES.items()]
    return "\n".join(["usage: actorforge VERB ...", "", *lines, "", "actorforge VERB --help shows a verb's flags; --version the version."])


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("actorforge")
    except metadata.PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
