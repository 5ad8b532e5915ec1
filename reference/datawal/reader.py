"""Reading a log beside its writer, without its lock (profile RDR)."""

from pathlib import Path
from typing import Self

from datawal import _files
from datawal._files import StrPath
from datawal.errors import ClosedError
from datawal.log import RecordIter


class RecordLogReader:
    """A read-only view of a log; it takes no lock and creates nothing (clauses RDR-1 and RDR-2).

    `RecordLogReader(dir)` and `RecordLogReader.open(dir)` are the same. Opening lists the segments and judges
    no frame (clauses RDR-5 and RDR-8). It raises MissingError when nothing is there, NotDirectoryError when
    it is no directory, and StorageError.
    """

    def __init__(self, dir: StrPath) -> None:  # noqa: A002 - the crate's word
        self._given = dir
        self._path = _files.absolute(dir)
        self._segments = tuple(_files.list_segments(self._path))
        self._closed = False

    @classmethod
    def open(cls, dir: StrPath) -> Self:  # noqa: A002 - the crate's word
        """Open the log in `dir` for reading, see the class."""
        return cls(dir)

    @property
    def dir(self) -> Path:
        """The directory, as it was given."""
        return Path(self._given)

    @property
    def segments(self) -> tuple[int, ...]:
        """Ids of the segments found at open, ascending (clause RDR-5)."""
        return self._segments

    def scan_iter(self) -> RecordIter:
        """A lazy scan from the beginning, with what was appended meanwhile (clauses RDR-6 to RDR-10).

        The iterator raises FrameError where an open for writing would, MissingError when a segment is gone.
        """
        if self._closed:
            raise ClosedError(type(self).__name__)
        return RecordIter(self._path, self._segments)

    def close(self) -> None:
        """End the use of this handle; running iterators go on; twice is harmless."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<RecordLogReader {self._path!r} {state}, {len(self._segments)} segments>"
