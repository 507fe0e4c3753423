"""`actorforge validate`: what is at a path, and what is wrong with it."""

from __future__ import annotations


def validate(path: str, /, against: str | None = None) -> int:
    """Check what is at a path.

    Args:
        path: Suite name or folder, dataset, run, folder of runs, checkpoint, or folder of clips and images.
        against: Dataset or media that a suite is checked against: shared footage and identities are problems.
    """
    from pipelines.validate import validate as job

    found = job(path)
    problems, notes = list(found.problems), list(found.notes)
    if against is not None:
        from pipelines.against import overlaps

        if found.kind != "suite":
            raise ValueError(f"--against: got {path}, a {found.kind}, expected a suite to check against the data")
        lines, unread, cases = overlaps(path, against)
        problems += lines
        notes += [f"cases to leave out: {' '.join(cases)}"] if cases else []
        notes += [f"not looked at: {line}" for line in unread]
    for problem in problems:
        print(problem)
    for note in notes:
        print(f"note: {note}")
    print(f"{path}: {found.kind}, " + (f"{len(problems)} problem(s)" if problems else "no problems"))
    return 1 if problems else 0
