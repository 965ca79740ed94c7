"""The browser for the tests that need one is found, or its absence is told in one line."""

import subprocess
import sys

import pytest

import chromium

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs planted here are shell scripts")


def plant(path, exit_status=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {exit_status}\n")
    path.chmod(0o755)
    return str(path)


def test_it_is_found_on_the_path_and_one_that_does_not_start_is_passed_over(tmp_path):
    plant(tmp_path / "bin" / "chromium-browser", exit_status=1)
    environment = {"PATH": str(tmp_path / "bin")}
    assert chromium.find(environment) is None
    chrome = plant(tmp_path / "bin" / "google-chrome")
    assert chromium.find(environment) == chrome and chromium.why_not(environment) == ""


def test_it_is_found_in_the_usual_places(tmp_path):
    mac = plant(tmp_path / "Applications" / "Chromium.app" / "Contents" / "MacOS" / "Chromium")
    assert chromium.find({"PATH": "", "HOME": str(tmp_path)}, "darwin") == mac
    assert chromium.find({"PATH": "", "HOME": str(tmp_path)}, "linux") is None
    windows = plant(tmp_path / "Google" / "Chrome" / "Application" / "chrome.exe")
    assert chromium.find({"PATH": "", "LOCALAPPDATA": str(tmp_path)}, "win32") == windows


def test_a_named_one_is_taken_and_no_other(tmp_path):
    plant(tmp_path / "chromium")
    mine = plant(tmp_path / "my-browser")
    environment = {"PATH": str(tmp_path), "COURSE_CHROMIUM": mine}
    assert chromium.find(environment) == mine
    environment["COURSE_CHROMIUM"] = str(tmp_path / "gone")
    assert chromium.find(environment) is None
    assert str(tmp_path / "gone") in chromium.why_not(environment)


@pytest.mark.parametrize(("system", "advice"), [("linux", "chromium"), ("darwin", "Chrome"), ("win32", "Chrome")])
def test_without_one_a_line_says_what_is_left_out_why_and_what_to_do(system, advice, tmp_path):
    line = chromium.why_not({"PATH": str(tmp_path), "HOME": str(tmp_path)}, system)
    if not chromium.find({"PATH": "", "HOME": str(tmp_path)}, system):  # a Mac may have one for all users
        assert line.startswith(chromium.LEFT_OUT) and "no Chromium or Chrome was found" in line
        assert f"install {'the package ' if system == 'linux' else ''}{advice}" in line and "\n" not in line


def test_install_runs_apt_once_as_root_and_never_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("COURSE_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "_usual_places", lambda system, environment: [])
    asked = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, 100, "", "E: no network\n")

    monkeypatch.setattr(chromium, "may_install", lambda: False)
    assert chromium.main(["--install"]) == 0 and not asked
    monkeypatch.setattr(chromium, "may_install", lambda: True)
    monkeypatch.setattr(chromium.subprocess, "run", run)
    capsys.readouterr()
    assert chromium.main(["--install"]) == 0
    assert [command[2] for command in asked] == ["update", "install"] and asked[1][-1] == "chromium"
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(chromium.LEFT_OUT) and last.endswith("apt-get said: E: no network")
    assert chromium.main([]) == 1


def test_only_root_with_apt_may_install(tmp_path, monkeypatch):
    plant(tmp_path / "apt-get")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    assert chromium.may_install("linux") and not chromium.may_install("darwin")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    assert not chromium.may_install("linux")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert not chromium.may_install("linux")
