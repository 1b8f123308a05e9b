"""Packages of drawings, fetched by the registries' ordinary clients and checked against known SHA-256
sums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Literal

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import Section
from fundiff.prior.text import sha256


class Package(Section):
    """One package: what it holds, which client brings it, the licence of its pictures, the sum of its
    file."""

    kind: Literal["names", "keywords", "svg", "bitmap", "clipart", "people"]
    client: Literal["npm", "apt"]
    name: str
    version: str
    licence: str
    sha256: str

    @property
    def file(self) -> str:
        """The name of the package's file, as its client writes it."""
        if self.client == "apt":
            return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def fetch(package: Package, folder: Path, mirror: str = "") -> Path:
    """The package's file in `folder`, from the registry or a mirror folder. Raises UserError on failure or
    a wrong sum."""
    path = folder / package.file
    if mirror:
        source = Path(mirror) / package.file
        if not source.exists():
            raise UserError(f"{source}: not found; fetch_drawings.folder must hold every package of the list")
        shutil.copyfile(source, path)
    else:
        npm = package.client == "npm"
        wanted = f"{package.name}{'@' if npm else '='}{package.version}"
        command = ["npm", "pack", "--silent", wanted] if npm else ["apt-get", "download", "-q", wanted]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise UserError(f"{command[0]} is not installed; it brings {package.name}") from None
        except subprocess.CalledProcessError as error:
            why = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise UserError(f"{' '.join(command)} failed: {why[0]}") from None
    found = sha256(path)
    if found != package.sha256:
        raise UserError(
            f"{path}: SHA-256 {found[:12]}..., expected {package.sha256[:12]}...; not the known drawings"
        )
    return path
