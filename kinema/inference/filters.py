"""Decoded pictures through filters of libavfilter, as PyAV brings it; a graph for every size and format that comes."""

from collections.abc import Callable, Generator, Iterable, Iterator

import av
import av.filter
import numpy as np

Steps = list[tuple[str, str]]
"""Names of filters and their arguments, e.g. [("scale", "256:256")]."""
Pictures = Generator[av.VideoFrame, None, None]


def filtered(pictures: Iterable[av.VideoFrame], steps: Callable[[av.VideoFrame], Steps]) -> Pictures:
    """Pictures through the `steps` for the first of each kind; filters begin anew where size, format or turn change."""
    graph: av.filter.Graph | None = None
    kind = None
    for picture in pictures:
        found = _kind(picture)
        if graph is None or kind != found:
            yield from _rest(graph)
            graph, kind = _graph(picture, steps(picture)), found
        graph.push(picture)
        yield from _ready(graph)
    yield from _rest(graph)


def turns(picture: av.VideoFrame) -> Steps:
    """The filters that turn a picture upright by its display matrix, as the program ffmpeg chooses them."""
    matrix = display_matrix(picture)
    if matrix is None:
        return []
    degrees = picture.rotation % 360  # counter-clockwise
    if degrees == 270:
        return [("transpose", "cclock_flip" if matrix[3] > 0 else "clock")]
    if degrees == 180:
        return [(name, "") for name, value in (("hflip", matrix[0]), ("vflip", matrix[4])) if value < 0]
    if degrees == 90:
        return [("transpose", "clock_flip" if matrix[3] < 0 else "cclock")]
    return [("vflip", "")] if matrix[4] < 0 else []


def display_matrix(picture: av.VideoFrame) -> np.ndarray | None:
    """Nine numbers, row by row; None where there is none."""
    found = picture.side_data.get("DISPLAYMATRIX")
    return None if found is None else np.frombuffer(bytes(found), np.int32)


def _kind(picture: av.VideoFrame) -> tuple[object, ...]:
    matrix = display_matrix(picture)
    colours = picture.colorspace, picture.color_range
    return picture.width, picture.height, picture.format.name, *colours, None if matrix is None else matrix.tobytes()


def _graph(picture: av.VideoFrame, steps: Steps) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add(
        "buffer",
        video_size=f"{picture.width}x{picture.height}",
        pix_fmt=picture.format.name,
        time_base=str(picture.time_base),
        colorspace=str(int(picture.colorspace)),
        range=str(int(picture.color_range)),
    )
    nodes = [graph.add(name, arguments or None) for name, arguments in steps]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph


def _ready(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _rest(graph: av.filter.Graph | None) -> Iterator[av.VideoFrame]:
    if graph:
        graph.push(None)
        yield from _ready(graph)
