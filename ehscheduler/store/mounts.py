"""Whether a file lies on a network share, where SQLite cannot keep two writers apart."""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
SHARES = frozenset(
    "9p afs ceph cifs fuse.cephfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs lustre nfs nfs4 smb3 smbfs".split()
)


def share_under(path: Path, mounts: Path | None = None) -> str:
    """Return the kind of network share on which a file lies; empty where it lies on none, or nobody can tell."""
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    kinds = {Path(_unescaped(point)): kind for _, point, kind, *_ in (line.split(" ") for line in lines if " " in line)}
    own = path.resolve()
    kind = next((kinds[folder] for folder in (own, *own.parents) if folder in kinds), "")
    return kind if kind in SHARES else ""


def _unescaped(point: str) -> str:
    """Write a mount's place as it is: blanks stand in it as octal numbers."""
    return re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), point)
