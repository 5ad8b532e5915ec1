"""The vectors as one archive, the same bytes every time: `python -m datawal_conformance.archive VECTORS TARGET`."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

from datawal_conformance.run import vectors_digest

_TOP = "datawal-vectors"


def make_archive(vectors: Path, target: Path) -> None:
    """Write a .tar.gz of the vectors with MANIFEST.json and SHA256SUMS, and TARGET.sha256 beside it.

    Depends on names and contents only: not on times, owners, modes or the order of the file system.
    """
    files = {
        path.relative_to(vectors).as_posix(): path.read_bytes()
        for path in sorted(vectors.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {
        "vectors": vectors_digest(vectors),
        "files": [{"path": name, "size": len(files[name]), "sha256": sums[name]} for name in files],
    }
    files["MANIFEST.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{_TOP}/{name}")
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    packed = gzip.compress(plain.getvalue(), mtime=0)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(packed)
    digest = hashlib.sha256(packed).hexdigest()
    target.with_name(target.name + ".sha256").write_text(f"{digest}  {target.name}\n")


if __name__ == "__main__":
    make_archive(Path(sys.argv[1]), Path(sys.argv[2]))
