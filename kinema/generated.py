"""Parts of pages of documentation that are written by a program, between two comments that name it."""


def renewed(page: str, program: str, text: str) -> str:
    """A Markdown page with its generated part renewed; ValueError where the comments are missing."""
    begin, end = (f"<!-- {word}: {program} -->" for word in ("begin", "end"))
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"the page lacks the lines {begin} and {end}, between which the tables go")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
