# SPDX-License-Identifier: GPL-2.0-or-later
"""What `vmroot boot-image` makes, booted: the kernel and the initramfs do as the options say."""

import os
import subprocess

import pytest

from guest import boot_image

BUILD = os.environ.get("VMROOT_BUILD", "")
DISTRIBUTION = os.environ.get("VMROOT_TEST_TREE", "")


@pytest.fixture
def start(tree, tmp_path):
    """start(script, options, ...): boots the tree with `script` as its init, and with the kernel of
    the distribution's tree as `vmroot boot-image` prepared it."""

    def start(script, *options, roots=None):
        init = tree / "sbin/init"
        init.write_text("#!/bin/sh\nexport PATH=/bin\n" + script + "\npoweroff -f\n")
        init.chmod(0o755)
        output = tmp_path / "output"
        subprocess.run([BUILD + "/cli/vmroot", "boot-image", DISTRIBUTION, "--output", output,
                        *options], check=True,
                       env={**os.environ, "VMROOT_LIBEXEC_DIR": BUILD + "/libvmroot"})
        return boot_image(str(output / "kernel"), (output / "initramfs").read_bytes(),
                          {"vmroot": tree, **(roots or {})})

    return start


def test_plain(start, tree):
    start("cat /proc/mounts > /mounts")

    assert "vmroot / virtiofs rw,relatime" in (tree / "mounts").read_text()


def test_read_only(start):
    guest = start("cat /proc/mounts", "--read-only", "--tmpfs", "/tmp:16M")

    assert "vmroot / virtiofs ro,relatime" in guest.console
    assert "tmpfs /tmp tmpfs rw" in guest.console


def test_all_at_once(start, tree, tmp_path):
    share = tmp_path / "all packages"
    share.mkdir()
    (share / "one").write_text("a package\n")
    told = tmp_path / "told"
    told.write_text("keep this address\n")

    guest = start("""
        cat /proc/mounts '/srv/my packages/one' /run/network/told
        touch '/srv/my packages/two' || echo refused
        touch /new""",
        "--ephemeral", "--share", f"{share}:/srv/my packages:ro", "--tmpfs", "/var/tmp:16M",
        "--run-file", f"network/told={told}", roots={"vmroot-share-1": share})

    assert "overlay / overlay rw" in guest.console
    assert "vmroot-share-1 /srv/my\\040packages virtiofs ro" in guest.console
    assert "tmpfs /var/tmp tmpfs rw" in guest.console
    assert "size=16384k" in guest.console
    assert "\na package\nkeep this address\n" in guest.console
    assert "refused" in guest.console
    assert not (tree / "new").exists()
    assert not (tree / "srv").exists()
