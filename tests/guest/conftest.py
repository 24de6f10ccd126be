# SPDX-License-Identifier: GPL-2.0-or-later

import os
import shutil

import pytest

import guest


def what_is_missing():
    tree = os.environ.get("VMROOT_TEST_TREE", "")
    if not os.path.isdir(tree + "/boot") or not tree:
        return "VMROOT_TEST_TREE names no tree of a distribution with a kernel (tools/check makes one)"
    if os.geteuid() != 0:
        return "not root: virtiofsd has to serve files of any owner"
    if shutil.which(guest.QEMU) is None:
        return f"{guest.QEMU} is missing (package qemu-system-x86)"
    if guest.find_virtiofsd() is None:
        return "virtiofsd is missing (package qemu-system-common, or virtiofsd)"
    if not os.access("/bin/busybox", os.X_OK):
        return "/bin/busybox is missing (package busybox-static)"
    return None


def pytest_collection_modifyitems(items):
    reason = what_is_missing()
    if reason is not None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def kernel():
    return guest.Kernel.of_tree(os.environ["VMROOT_TEST_TREE"])


@pytest.fixture
def tree(tmp_path):
    """A root directory of nothing but busybox; the test writes its /sbin/init."""
    root = tmp_path / "tree"
    for name in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in "sh cat ls stat poweroff mkdir mv echo grep readlink touch sync tty sed".split():
        (root / "bin" / applet).symlink_to("busybox")
    return root
