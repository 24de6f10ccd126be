# SPDX-License-Identifier: GPL-2.0-or-later
"""`vmroot setup` on a host that is a temporary directory."""

import os
import stat
import subprocess

import pytest

VMROOT = os.environ["VMROOT"]
HOOK = os.environ["VMROOT_HOOK_DIR"] + "/vmroot-hook"
LINK = "etc/libvirt/hooks/qemu.d/vmroot"
MADE = ["/etc/vmroot", "/etc/vmroot/vmroot.conf", "/export", "/etc/libvirt/hooks/qemu.d/vmroot"]


class Host:
    """A host with libvirt and our programs installed, and a systemctl that writes down its calls."""

    def __init__(self, path):
        self.root = path / "host"
        self.bin = path / "bin"
        self.calls = path / "calls"
        hook = self.root / HOOK.lstrip("/")
        hook.parent.mkdir(parents=True)
        hook.write_text("")
        hook.chmod(0o755)
        (self.root / "etc/libvirt").mkdir(parents=True)
        self.bin.mkdir()

    def has_systemd(self, active):
        (self.root / "run/systemd/system").mkdir(parents=True)
        systemctl = self.bin / "systemctl"
        systemctl.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {self.calls}\n'
            f'[ "$2" != is-active ] || [ "$3" = {active}.service ]\n'
        )
        systemctl.chmod(0o755)

    def systemctl_calls(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def setup(self, *words):
        return subprocess.run(
            [VMROOT, "setup", "--sysroot", str(self.root), *words],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"},
        )

    def picture(self):
        """All that is there: for each path what it is and what it holds."""
        picture = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_symlink():
                picture[str(path)] = os.readlink(path)
            else:
                mode = stat.filemode(path.stat().st_mode)
                picture[str(path)] = (mode, path.read_text() if path.is_file() else None)
        return picture


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_setup_makes_what_is_missing(host):
    result = host.setup()

    assert result.returncode == 0, result.stderr
    assert os.readlink(host.root / LINK) == HOOK
    assert "allowed-directories" in (host.root / "etc/vmroot/vmroot.conf").read_text()
    assert stat.S_IMODE((host.root / "export").stat().st_mode) == 0o700


def test_dry_run_says_what_setup_does_and_does_nothing(host):
    before = host.picture()
    planned = host.setup("--dry-run")

    assert host.picture() == before
    for path in MADE:
        assert path in planned.stdout
    assert host.setup().stdout == planned.stdout.replace("would make", "made")


def test_second_setup_has_nothing_to_do(host):
    host.setup()
    before = host.picture()
    again = host.setup()

    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert host.picture() == before


def test_undo_takes_away_all_that_setup_made(host):
    (host.root / "var/lib").mkdir(parents=True)
    before = host.picture()
    host.setup()
    planned = host.setup("--undo", "--dry-run")
    undone = host.setup("--undo")

    assert undone.returncode == 0, undone.stderr
    assert host.picture() == before
    for path in MADE:
        assert path in planned.stdout and path in undone.stdout
    assert host.setup("--undo").returncode == 0


def test_undo_takes_away_nothing_else(host):
    """What was there before, what has been changed and what holds something stays."""
    (host.root / "etc/libvirt/hooks/qemu.d").mkdir(parents=True)
    (host.root / "etc/libvirt/hooks/qemu.d/other").write_text("a hook of somebody else")
    host.setup()
    (host.root / "export/web").mkdir()
    with (host.root / "etc/vmroot/vmroot.conf").open("a") as file:
        file.write("# mine\n")

    planned = host.setup("--undo", "--dry-run")
    undone = host.setup("--undo")

    for kept in ["export/web", "etc/vmroot/vmroot.conf", "etc/libvirt/hooks/qemu.d/other"]:
        assert (host.root / kept).exists()
    for output in [planned.stdout, undone.stdout]:
        assert "left /export: it is not empty" in output
        assert "left /etc/vmroot/vmroot.conf: it was changed" in output
    assert not (host.root / LINK).is_symlink()

    # What is free by now goes the next time.
    (host.root / "export/web").rmdir()
    host.setup("--undo")
    assert not (host.root / "export").exists()


def test_undo_without_setup_does_nothing(host):
    before = host.picture()

    assert host.setup("--undo").returncode == 0
    assert host.picture() == before


def test_setup_that_was_killed_half_way_can_be_undone(host):
    """Everything is recorded before it is made, so the record may name what never was."""
    (host.root / "var/lib").mkdir(parents=True)
    before = host.picture()
    host.setup()
    (host.root / LINK).unlink()
    (host.root / "export").rmdir()

    assert host.setup("--undo").returncode == 0
    assert host.picture() == before


def test_configuration_of_the_administrator_stays(host):
    configuration = host.root / "etc/vmroot/vmroot.conf"
    configuration.parent.mkdir()
    configuration.write_text("[host]\nallowed-directories=/trees\n")

    host.setup()

    assert configuration.read_text() == "[host]\nallowed-directories=/trees\n"
    assert not (host.root / "export").exists()
    host.setup("--undo")
    assert configuration.exists()


def test_something_else_in_the_place_of_the_hook_is_not_replaced(host):
    link = host.root / LINK
    link.parent.mkdir(parents=True)
    link.write_text("somebody's")
    result = host.setup()

    assert result.returncode == 1
    assert str(link) in result.stderr and "in the way" in result.stderr
    assert link.read_text() == "somebody's"


def test_record_that_is_not_ours_is_refused(host):
    record = host.root / "var/lib/vmroot/setup.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"made": [1]}')
    result = host.setup("--undo")

    assert result.returncode == 1
    assert str(record) in result.stderr


@pytest.mark.parametrize("active", ["libvirtd", "virtqemud"])
def test_the_daemon_that_runs_is_told_once(host, active):
    host.has_systemd(active)

    planned = host.setup("--dry-run")
    assert f"would reload {active}.service" in planned.stdout
    assert not any(" reload " in call for call in host.systemctl_calls())

    assert f"reloaded {active}.service" in host.setup().stdout
    host.setup()
    reloads = [call for call in host.systemctl_calls() if " reload " in call]
    assert reloads == [f"--quiet reload {active}.service"]


def test_a_reload_that_failed_is_made_up_for(host):
    host.has_systemd("libvirtd")
    systemctl = host.bin / "systemctl"
    working = systemctl.read_text()
    systemctl.write_text('#!/bin/sh\n[ "$2" = is-active ]\n')
    assert host.setup().returncode == 1

    systemctl.write_text(working)
    assert "reloaded libvirtd.service" in host.setup().stdout


def test_without_systemd_the_user_is_told_how(host):
    (host.root / "run").mkdir()
    (host.root / "run/libvirtd.pid").write_text("1")

    assert "kill -HUP $(cat /run/libvirtd.pid)" in host.setup().stderr


@pytest.mark.parametrize("missing", ["etc/libvirt", HOOK.lstrip("/")])
def test_what_is_not_installed_is_named(host, missing):
    path = host.root / missing
    path.rmdir() if path.is_dir() else path.unlink()
    before = host.picture()
    result = host.setup()

    assert result.returncode == 1
    assert str(path) in result.stderr
    assert host.picture() == before


def test_only_root_changes_the_host():
    nobody = {"user": 65534} if os.geteuid() == 0 else {}
    try:
        result = subprocess.run([VMROOT, "setup"], capture_output=True, text=True, **nobody)
    except PermissionError:
        pytest.skip("the build directory is closed to other users")

    assert result.returncode == 1
    assert "sudo vmroot setup" in result.stderr
