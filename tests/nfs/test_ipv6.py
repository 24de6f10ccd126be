# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that has its root and two shares over IPv6, on a network that has nothing else."""

import guest_roots
import guests
import pytest

pytestmark = pytest.mark.only_on("bookworm")

SERVER = "fd00:7e57::1"
NETWORK = f"""<network>
  <name>six</name>
  <bridge name='virbr6'/>
  <ip family='ipv6' address='{SERVER}' prefix='64'>
    <dhcp><range start='fd00:7e57::100' end='fd00:7e57::1ff'/></dhcp>
  </ip>
</network>
"""
SHARED = "/export/shared"
LENT = "/export/lent"
SCRIPT = """export PATH=/bin
b=/bin/busybox
$b cp /srv/shared/from-host /srv/shared/from-guest
$b cp /srv/lent/from-host /root/lent
$b touch /srv/lent/from-guest 2> /root/refused
"""


@pytest.fixture(scope="module")
def six(host):
    host.write("/root/six-network.xml", NETWORK)
    host.run("virsh", "net-define", "/root/six-network.xml")
    host.run("virsh", "net-start", "six")
    for directory in SHARED, LENT:
        host.run("mkdir", directory)
        host.write(f"{directory}/from-host", f"{directory}\n")
    six = guests.Guest(host, "six")
    six.make_root(SCRIPT + guests.WRITER)
    host.run("mkdir", "--parents", f"{six.root}/srv/shared", f"{six.root}/srv/lent")
    six.define()
    six.apply(
        *("--transport", "nfs", "--network", "six"),
        *("--share", f"{SHARED}:/srv/shared", "--share", f"{LENT}:/srv/lent:ro"),
    )
    yield six
    six.remove()
    host.run("virsh", "net-destroy", "six")
    host.run("virsh", "net-undefine", "six")
    assert guests.remains(host) == ""


def test_the_root_comes_over_ipv6(six):
    six.start()

    mounts = six.wait_for("/root/mounts")
    assert f"[{SERVER}]:{six.root} / nfs4 rw," in mounts
    assert "proto=tcp6" in mounts
    six.assert_writing()


def test_its_one_address_is_what_everything_is_exported_to(host, six):
    lines = host.read("/var/lib/nfs/etab").splitlines()

    clients = {line.split("\t")[1].partition("(")[0] for line in lines}
    assert len(lines) == 3
    assert len(clients) == 1
    assert f"inet6 {clients.pop()}/64 scope global" in six.read("/root/addresses")


def test_a_share_is_written_by_both(host, six):
    assert host.read(f"{SHARED}/from-guest") == f"{SHARED}\n"
    assert host.run("ls", f"{six.root}/srv/shared").output == ""


def test_a_share_that_is_read_only_is_only_read(host, six):
    assert six.read("/root/lent") == f"{LENT}\n"
    assert "Read-only file system" in six.read("/root/refused")
    assert host.run("ls", LENT).output == "from-host\n"


def test_files_that_a_killed_guest_had_open_are_free_at_once(host, six):
    """The server would wait 45 seconds for it to answer, for each file that it may cache."""
    six.destroy()

    copy = "/export/at-once"
    host.run("cp", "--archive", "--link", guest_roots.BUSYBOX, copy, seconds=40)

    host.run("rm", "--recursive", copy)
