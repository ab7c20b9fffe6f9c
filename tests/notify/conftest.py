"""What the notify tests share: where their helpers lie, and certificates made for the run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from certificates import Certificates, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command makes the test certificates, and it is not installed")
    try:
        return make_certificates(tmp_path_factory.mktemp("certificates"))
    except subprocess.CalledProcessError as fault:
        raise RuntimeError(fault.stderr.decode()) from fault
