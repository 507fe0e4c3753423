"""`actorforge explain`: one pair of a dataset, where it comes from and how it was judged."""

from __future__ import annotations

from pipelines.verbs.flags import Many, all_of


def explain(
    key: str,
    /,
    data: str,
    json: bool = False,
    remake: str | None = None,
    driving: Many = (),
    references: Many = (),
    teacher: str | None = None,
    set: Many = (),
) -> int:
    """Say where a pair comes from, or make it again.

    Args:
        key: Key of the pair, or its beginning.
        data: Dataset folder or URL, finished or in the making.
        json: Print everything as one JSON value.
        remake: New folder to make the pair in once more; says whether its members are the same bytes.
        driving: To make it again: where the clip is looked for, by its content.
        references: To make it again: where the identity is looked for.
        teacher: To make it again: the animator or checkpoint, the one the dataset names.
        set: To make it again: the teacher's options, KEY=VALUE, as the dataset has them.
    """
    from models.option_values import parse_settings
    from pipelines import explain as job

    if remake is None:
        if driving or references or teacher or set:
            raise ValueError("--remake: got none beside sources or a teacher, expected a folder to make the pair in")
        print(job.explain(data, key, as_json=json))
        return 0
    sources = {"driving": all_of(driving, "--driving"), "references": all_of(references, "--references")}
    lines, same = job.make_again(data, key, folder=remake, teacher=teacher, options=parse_settings(all_of(set)), **sources)
    print("\n".join(lines))
    return 0 if same else 1
