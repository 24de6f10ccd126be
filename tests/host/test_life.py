# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a guest as libvirt drives it, calling our hook and starting our wrapper."""

import difflib
import pathlib
import re
import shutil

import private_host
import pytest


def state_of(guest):
    return pathlib.Path("/run/vmroot/guests") / guest.uuid


def policy_of(guest):
    return pathlib.Path(f"/run/vmroot/virtiofs/{guest.uuid}.conf")


def test_state_lasts_as_long_as_the_guest(make_guest):
    guest = make_guest("start-stop")
    assert private_host.remains() == []
    guest.boot()
    assert state_of(guest).exists()
    assert policy_of(guest).exists()
    assert private_host.processes("vmroot-virtiofsd")
    guest.destroy()
    assert private_host.remains() == []
    # And again, with what the first boot left behind.
    guest.boot()
    guest.destroy()
    assert private_host.remains() == []


def cgroups_of(pid):
    return pathlib.Path(f"/proc/{pid}/cgroup").read_text()


def test_virtiofsd_is_not_in_the_cgroup_of_the_guest(make_guest):
    # The device rules of that group would forbid virtiofsd to make the guest's device nodes.
    guest = make_guest("cgroup")
    guest.boot()
    of_guest = cgroups_of(guest.qemu_pid())
    if of_guest == cgroups_of("self"):
        pytest.skip("libvirt has no control groups here: the guest is not in one of its own")
    (wrapper,) = private_host.processes("vmroot-virtiofsd")
    (virtiofsd,) = pathlib.Path(f"/proc/{wrapper}/task/{wrapper}/children").read_text().split()
    assert cgroups_of(wrapper) == of_guest
    assert cgroups_of(virtiofsd) != of_guest


def test_crash_of_qemu_leaves_nothing(make_guest):
    guest = make_guest("crash")
    guest.boot()
    guest.crash()
    assert private_host.remains() == []
    guest.boot()


def test_guest_survives_a_restart_of_libvirtd(host, make_guest):
    guest = make_guest("restart")
    guest.boot()
    state = state_of(guest).read_bytes()
    host.restart_libvirtd()
    assert guest.is_running()
    assert guest.line.ask("ping") == "pong"
    assert guest.line.ask("write /after-the-restart") == "written"
    assert (guest.tree / "after-the-restart").exists()
    assert state_of(guest).read_bytes() == state
    assert policy_of(guest).exists()
    guest.power_off()
    assert private_host.remains() == []


def test_reconnect_repairs_what_was_lost(host, make_guest):
    guest = make_guest("repair")
    guest.boot()
    shutil.rmtree("/run/vmroot")
    host.restart_libvirtd()
    assert guest.line.ask("ping") == "pong"
    assert state_of(guest).exists()
    guest.power_off()
    assert private_host.remains() == []


def test_guest_that_is_not_ours_is_left_alone(host, make_guest):
    ours = make_guest("ours")
    ours.boot()
    before = private_host.remains()
    foreign = make_guest("foreign", apply=False)
    kernel = next(foreign.tree.glob("boot/vmlinuz-*"))
    foreign.xml = foreign.xml.replace("<cmdline>", f"<kernel>{kernel}</kernel><cmdline>")
    foreign.define()
    assert foreign.try_start().returncode == 0
    foreign.line.accept()
    assert foreign.is_running()
    assert private_host.remains() == before
    foreign.destroy()
    assert private_host.remains() == before
    assert ours.line.ask("ping") == "pong"


def refused(guest):
    """The reason for which a guest did not start; nothing may remain of the attempt."""
    before = private_host.remains()
    started = guest.try_start()
    assert started.returncode != 0
    assert not guest.is_running()
    assert private_host.remains() == before
    return started.stderr


def test_directory_that_is_not_allowed(make_guest):
    guest = make_guest("not-allowed", apply=False)
    guest.host.vmroot("apply", guest.name, "--directory", "/etc")
    reason = refused(guest)
    assert "/etc" in reason
    assert "allowed-directories" in reason


def test_directory_that_is_gone(make_guest):
    guest = make_guest("gone")
    guest.tree.rename(guest.tree.with_name("elsewhere"))
    reason = refused(guest)
    guest.tree.with_name("elsewhere").rename(guest.tree)
    assert str(guest.tree) in reason


def test_tree_without_a_kernel(make_guest):
    guest = make_guest("no-kernel")
    shutil.rmtree(guest.tree / "boot")
    assert "kernel" in refused(guest)


def test_qemu_that_does_not_start(make_guest):
    guest = make_guest("bad-qemu", apply=False)
    guest.xml = guest.xml.replace(
        "<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' "
    )
    guest.xml = guest.xml.replace(
        "</domain>",
        "<qemu:commandline><qemu:arg value='-no-such-option'/>" "</qemu:commandline></domain>",
    )
    guest.define()
    guest.apply()
    assert "no-such-option" in refused(guest)


def test_second_guest_on_the_same_tree(make_guest):
    first = make_guest("first")
    second = make_guest("second", apply=False)
    second.host.vmroot("apply", second.name, "--directory", str(first.tree))
    first.boot()
    assert "first" in refused(second)
    assert first.line.ask("ping") == "pong"
    first.destroy()
    # The tree is free again.
    assert second.try_start().returncode == 0
    second.line.accept()


def test_clone_is_refused(host, make_guest):
    original = make_guest("original")
    clone = make_guest("clone", apply=False)
    # What virt-clone does: another name and UUID, and the metadata as it was.
    xml = host.virsh("dumpxml", "--inactive", original.name).stdout
    xml = re.sub(r"<name>original</name>", "<name>clone</name>", xml)
    xml = re.sub(rf"(?<=<uuid>){original.uuid}(?=</uuid>)", clone.uuid, xml, count=1)
    clone.xml = xml
    clone.define()
    assert "vmroot apply" in refused(clone)


def test_remove_gives_back_the_definition(host, make_guest):
    guest = make_guest("removed", apply=False)
    before = guest.definition()
    guest.apply()
    assert guest.definition() != before
    host.vmroot("remove", guest.name)
    assert list(difflib.unified_diff(before, guest.definition(), n=0)) == []


@pytest.mark.parametrize("option, kind", [("--read-only", "virtiofs"), ("--ephemeral", "overlay")])
def test_tree_stays_as_it_was(make_guest, option, kind):
    guest = make_guest("unchanged" + option, apply=False)
    files = {path: path.lstat().st_mtime_ns for path in guest.tree.rglob("*")}
    guest.apply(option)
    guest.start()
    assert guest.line.read(private_host.BOOT_SECONDS) == "ready"
    assert guest.line.ask("mount").split()[0] == kind
    written = guest.line.ask("write /written")
    assert written == ("written" if option == "--ephemeral" else "Read-only file system")
    guest.power_off()
    assert {path: path.lstat().st_mtime_ns for path in guest.tree.rglob("*")} == files


def test_tmpfs_and_share(host, make_guest):
    shared = private_host.TREES / "shared"
    shared.mkdir()
    guest = make_guest(
        "mounts", options=["--tmpfs", "/var/tmp:64M", "--share", f"{shared}:/srv/shared"]
    )
    guest.boot()
    assert guest.line.ask("mount /var/tmp").split()[0] == "tmpfs"
    assert guest.line.ask("mount /srv/shared").split()[:2] == ["virtiofs", "vmroot-share-1"]
    assert guest.line.ask("write /srv/shared/hello") == "written"
    assert (shared / "hello").exists()
    guest.destroy()
    shutil.rmtree(shared)
