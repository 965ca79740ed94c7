"""The pins keep what README.md, Makefile and pyproject.toml promise: any Python 3.11, 3.12 or 3.13.

Whether the pins of other systems can be had, `make resolve` asks the package index; these tests need no network.
"""

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course
import resolve

PIN = re.compile(r"^([A-Za-z0-9_.-]+)(\[[a-z-]+\])?==(\S+)$", re.M)


WITH_NEEDS = ("requirements.txt", "constraints.txt")
ALONE = ("requirements-weights.txt",)  # installed without what they need


def pins(files=WITH_NEEDS + ALONE):
    text = "".join((course.ROOT / name).read_text(encoding="utf-8") for name in files)
    return {canonicalize_name(name): version for name, _, version in PIN.findall(text)}


INSTALLED = {canonicalize_name(found.name): found for found in importlib.metadata.distributions()}


def refusals(distributions, python):
    """The packages that do not allow this Python, with what they ask for."""
    asked = {name: found.metadata.get("Requires-Python") for name, found in distributions.items()}
    return {name: text for name, text in asked.items() if text and not SpecifierSet(text).contains(python)}


@pytest.mark.parametrize("python", resolve.PYTHONS)
def test_every_pinned_package_allows_every_promised_python(python):
    ours = {name: INSTALLED[name] for name in pins() if name in INSTALLED}
    assert len(ours) > 150
    assert not refusals(ours, python)


def test_a_package_that_refuses_a_python_is_seen():
    assert set(refusals(INSTALLED, "3.8.0")) >= {"torch", "jupyterlab"}


def test_the_promise_is_the_same_everywhere():
    readme, makefile, project = (
        (course.ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile", "pyproject.toml")
    )
    assert 'requires-python = ">=3.11"' in project and "(3, 11) <= v <= (3, 13)" in makefile
    assert "Python 3.11, 3.12 or 3.13" in readme
    assert [version.rsplit(".", 1)[0] for version in resolve.PYTHONS] == ["3.11", "3.12", "3.13"]


def test_what_is_installed_is_what_is_pinned():
    other = {n: (v, INSTALLED[n].version) for n, v in pins().items() if n in INSTALLED and INSTALLED[n].version != v}
    assert not other, "make .venv/.installed"


def test_whatever_a_pinned_package_needs_is_pinned_too():
    extras = {"gymnasium": ["classic-control"]}
    missing = set()
    for name in pins(WITH_NEEDS).keys() & INSTALLED.keys():
        for text in INSTALLED[name].requires or ():
            need = Requirement(text)
            applies = [need.marker is None or need.marker.evaluate({"extra": e}) for e in ("", *extras.get(name, ()))]
            if any(applies) and canonicalize_name(need.name) not in pins():
                missing.add((name, need.name))
    assert not missing, "add them to constraints.txt"


def test_every_list_of_packages_is_installed_and_resolved_in_the_same_way():
    makefile, readme = ((course.ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "README.md"))
    for name, options in resolve.LISTS.items():
        command = " ".join(["pip install", *options, "-r", name])
        assert command in readme and command in makefile.replace(" --disable-pip-version-check", ""), command
    assert set(resolve.LISTS) == {path.name for path in course.ROOT.glob("requirements*.txt")}
