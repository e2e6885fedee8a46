"""What the bench needs and is missing: from Debian's packages, and for the peers from PyPI and npm."""

import os
import shutil
import sys
from pathlib import Path

from . import processes
from .processes import BenchError
from .workshop import TOP

PEERS = os.path.join(TOP, "target", "bench")
PYTHON_PEERS = ["django", "django-post_office", "psycopg2-binary"]
NODE_PEERS = ["nodemailer", "nunjucks", "pg"]


def missing(measurements):
    """The Debian packages that are missing for these measurements."""
    packages = []
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        packages.append("postgresql")
    if not os.path.exists("/usr/sbin/smtp-sink"):
        packages.append("postfix")
    if "g" in measurements and not shutil.which("strip"):
        packages.append("binutils")
    if "t" in measurements:
        packages += [package for program, package in (("openssl", "openssl"), ("stunnel4", "stunnel4")) if not shutil.which(program)]
    if "b" in measurements:
        if not has_venv():
            packages.append("python3-venv")
        packages += [program for program in ("nodejs", "npm") if not shutil.which(program.replace("nodejs", "node"))]
    return packages


def has_venv():
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def ensure(measurements):
    """Installs what is missing, as tests/run does: nothing is started or configured by it."""
    packages = missing(measurements)
    if packages:
        print(f"benches/run: missing: {' '.join(packages)}; installing from Debian's packages", file=sys.stderr)
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        # The one function that both share stands in tests/run, which does other things when it is sourced.
        script = """set -eu
            function=$(sed -n '/^install_packages() {$/,/^}$/p' "$0")
            [ -n "$function" ] || { echo 'tests/run has no install_packages any more' >&2; exit 1; }
            eval "$function"; install_packages "$@" """
        processes.run([*as_root, "bash", "-c", script, os.path.join(TOP, "tests", "run"), *packages], timeout=1800)
        still = missing(measurements)
        if still:
            raise BenchError(f"still missing after the installation: {' '.join(still)}")


def ensure_peers():
    """The peers' libraries, in target/bench; the Python that has them."""
    os.makedirs(PEERS, exist_ok=True)
    python = os.path.join(PEERS, "venv", "bin", "python")
    if not os.path.exists(python):
        processes.run([sys.executable, "-m", "venv", os.path.join(PEERS, "venv")])
    if not list(Path(PEERS, "venv").glob("lib/python*/site-packages/post_office")):
        processes.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PEERS], timeout=1200)
    if not all(os.path.isdir(os.path.join(PEERS, "node_modules", name)) for name in NODE_PEERS):
        processes.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", PEERS, *NODE_PEERS], timeout=1200)
    return python
