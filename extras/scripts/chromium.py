"""Find a Chromium or Chrome for the tests that need a real browser, or say in one line why they are left out.

    python extras/scripts/chromium.py             # prints its path; exit status 1, and the reason, without one
    python extras/scripts/chromium.py --install   # first installs Debian's with apt, where that may be done (as root)

It never downloads a browser itself. COURSE_CHROMIUM names one in an unusual place.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import course

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS = (r"Google\Chrome\Application\chrome.exe", r"Chromium\Application\chrome.exe")
LEFT_OUT = "the tests in a real browser are left out"


def _usual_places(system, environment):
    """Where a browser lies that is not on the PATH."""
    if system == "darwin":
        folders = (Path("/Applications"), Path(environment.get("HOME", "/")) / "Applications")
        return [folder / f"{name}.app" / "Contents" / "MacOS" / name for folder in folders for name in MAC]
    if system == "win32":
        folders = [environment.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        return [Path(folder, *name.split("\\")) for folder in folders if folder for name in WINDOWS]
    return []


def _works(path, system):
    """Whether the program tells its version; Ubuntu, for one, has a chromium-browser that is none."""
    if system == "win32":  # there it would open a window
        return True
    try:
        said = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0


def find(environment=None, system=sys.platform):
    """The path of a Chromium or Chrome on this machine, or None."""
    environment = os.environ if environment is None else environment
    if named := environment.get("COURSE_CHROMIUM"):
        names, usual = [named], []
    else:
        names, usual = NAMES, [str(path) for path in _usual_places(system, environment) if path.is_file()]
    found = (*(shutil.which(name, path=environment.get("PATH", "")) for name in names), *usual)
    return next((path for path in found if path and _works(path, system)), None)


def why_not(environment=None, system=sys.platform):
    """One line: what is left out without a browser, why, and what to do; empty if there is one."""
    environment = os.environ if environment is None else environment
    if find(environment, system):
        return ""
    if named := environment.get("COURSE_CHROMIUM"):
        return f"{LEFT_OUT}: COURSE_CHROMIUM is {named}, which is no browser"
    mend = {"linux": "install the package chromium", "darwin": "install Chrome", "win32": "install Chrome"}
    return f"{LEFT_OUT}: no Chromium or Chrome was found ({mend.get(system, 'install one')}, or set COURSE_CHROMIUM)"


def may_install(system=sys.platform):
    """Whether this process may install Debian's package."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return system == "linux" and root and shutil.which("apt-get") is not None


def install():
    """Install Debian's Chromium with apt; an empty string, or the last line that apt said."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                ["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False, timeout=300
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else said[-1] if said else f"exit status {done.returncode}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="with apt, as root, if there is none; never fails")
    options = parser.parse_args(arguments)
    trouble = ""
    if options.install and not os.environ.get("COURSE_CHROMIUM") and not find() and may_install():
        print("Installing Chromium with apt, for the tests in a real browser.", flush=True)
        trouble = install()
    if path := find():
        print(f"The tests in a real browser use {path}" if options.install else path)
        return 0
    print(f"{why_not()}{f'; apt-get said: {trouble}' if trouble else ''}")
    return 0 if options.install else 1


if __name__ == "__main__":
    course.main(main)
