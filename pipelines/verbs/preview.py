"""`actorforge preview`: a dataset, finished or in the making -> one page with its pairs."""

from __future__ import annotations

import sys


def preview(dataset: str, /, out: str | None = None, single_file: bool = False) -> int:
    """Look at a dataset while it is made, or after.

    Args:
        dataset: Folder or URL that synthesize writes; nothing is changed there.
        out: File (.html) or folder to write; default: NAME_preview.html beside the dataset.
        single_file: Put all media into the page itself, so that it can be mailed.
    """
    from awbench.report.write import size_warning
    from pipelines.preview import preview as job

    page = job(dataset, out=out, single_file=single_file)
    if single_file and (warning := size_warning(page)):
        print(f"preview: {warning}", file=sys.stderr)
    print(page)
    return 0
