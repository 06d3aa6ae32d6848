"""XML files -> the children of their root with the line of each; nothing outside of the file is read.

A document type declaration is refused: it can name other files, and entities that grow without end. No tool of
annotation writes one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kinema.annotations.text_files import read_utf8

DECLARATIONS = ("<!DOCTYPE", "<!ENTITY")


def children(file: Path, root: str) -> Iterator[tuple[int, ElementTree.Element]]:
    """Children of the root and the line on which each begins; a child is emptied when the next one is asked for.

    ValueError with the line where the file is no XML, or has another root.
    """
    text = read_utf8(file).decode("utf-8-sig")
    for declaration in DECLARATIONS:
        if (position := text.find(declaration)) >= 0:
            line = text.count("\n", 0, position) + 1
            raise ValueError(f"{file} line {line}: {declaration}, which may name other files; remove it")
    depth, begun = 0, 0
    for line, event, element in _events(file, text):
        if event == "start":
            depth += 1
            if depth == 1 and element.tag != root:
                raise ValueError(f"{file} line {line}: the root is <{element.tag}>; expected <{root}>")
            begun = line if depth == 2 else begun
        else:
            depth -= 1
            if depth == 1:
                yield begun, element
                element.clear()


def _events(file: Path, text: str) -> Iterator[tuple[Any, ...]]:
    """Line, event and element."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start", "end"))
    try:
        line = 0
        for line, part in enumerate(text.split("\n"), 1):
            parser.feed(part + "\n")
            yield from ((line, *event) for event in parser.read_events())
        parser.close()
        yield from ((line, *event) for event in parser.read_events())
    except ElementTree.ParseError as error:
        line = error.position[0] if error.position else line
        raise ValueError(f"{file} line {line}: no XML ({str(error).partition(':')[0]})") from None
