# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses of guests whose root comes by NFS, on the networks of a real libvirtd.

No guest runs, and no NFS server: describing a root is what gives it an address.
"""

import contextlib
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import guest_port
import libvirt
import namespaces
import private_host
import pytest
from guest_port import GuestPort

pytestmark = [
    pytest.mark.skipif(not shutil.which(program), reason=f"{program} is missing: install {package}")
    for program, package in {"dnsmasq": "dnsmasq-base", "ebtables": "iptables"}.items()
]

MAC = "52:54:00:12:34:56"
OTHER_MAC = "52:54:00:12:34:57"
DUID = "00:03:00:01:"
LINK_LOCAL = "fe80::5054:ff:fe12:3456"
FILTER = "vmroot-clean-traffic-ipv6"
CONFIG = libvirt.VIR_NETWORK_XML_INACTIVE

DHCP4 = "<dhcp><range start='192.168.131.2' end='192.168.131.250'/></dhcp>"
DHCP6 = "<dhcp><range start='fd00:131::100' end='fd00:131::1ff'/></dhcp>"
IPV4 = "<ip address='192.168.131.1' prefix='24'>{}</ip>"
IPV6 = "<ip family='ipv6' address='fd00:131::1' prefix='64'>{}</ip>"
DUAL_STACK = IPV4.format(DHCP4) + IPV6.format(DHCP6)
NAT = "<forward mode='nat'/>"

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    {devices}
  </devices>
</domain>
"""
INTERFACE = """<interface type='{kind}'>
  <mac address='{mac}'/><source {kind}='{source}'/><model type='virtio'/>{more}
</interface>"""


def canonical(xml):
    return ElementTree.canonicalize(xml, strip_text=True)


class Network:
    """A libvirt network that runs, for one test."""

    def __init__(self, connection, name, content):
        bridge = "" if "<bridge" in content or "dev=" in content else f"<bridge name='{name}' stp='off' delay='0'/>"
        xml = f"<network><name>{name}</name>{bridge}{content}</network>"
        self.name = name
        self.handle = connection.networkDefineXML(xml)
        self.handle.create()

    def xml(self):
        """What runs, and what will."""
        return [canonical(self.handle.XMLDesc(flags)) for flags in (0, CONFIG)]

    def reservations(self):
        """Of both descriptions: they must have the same."""
        running, defined = (
            [(host.get("mac") or host.get("id"), host.get("ip")) for host in document.iter("host")]
            for document in (
                ElementTree.fromstring(self.handle.XMLDesc(flags)) for flags in (0, CONFIG)
            )
        )
        assert running == defined
        return running

    def remove(self):
        if self.handle.isActive():
            self.handle.destroy()
        self.handle.undefine()


class Guest:
    """A domain that never runs."""

    def __init__(self, host, connection, name, devices):
        self.host = host
        self.name = name
        self.directory = private_host.TREES / name
        self.directory.mkdir(exist_ok=True)
        self.handle = connection.defineXML(DOMAIN.format(name=name, devices=devices))
        self.before = self.definition()

    def definition(self):
        """Without PCI ports: libvirt adds some for every new device, and leaves them."""
        domain = ElementTree.fromstring(self.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        devices = domain.find("devices")
        for port in devices.findall("controller[@type='pci']"):
            devices.remove(port)
        return canonical(ElementTree.tostring(domain, encoding="unicode"))

    def try_apply(self, *options):
        directory = ("--directory", str(self.directory))
        return self.host.vmroot(
            "apply", self.name, "--transport", "nfs", *directory, *options, check=False
        )

    def apply(self, *options):
        """Describe its root, and return what was chosen."""
        applied = self.try_apply(*options)
        assert applied.returncode == 0, applied.stderr
        return self.root()

    def root(self):
        domain = ElementTree.fromstring(self.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        return domain.find("metadata/{urn:vmroot:domain:1}root").attrib

    def filter(self):
        """The <filterref> of its interface: filter, and parameters."""
        domain = ElementTree.fromstring(self.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        reference = domain.find("devices/interface/filterref")
        parameters = [(each.get("name"), each.get("value")) for each in reference]
        return reference.get("filter"), parameters

    def interface(self):
        domain = ElementTree.fromstring(self.handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        return ElementTree.tostring(domain.find("devices/interface"), encoding="unicode")

    def take_root(self):
        self.host.vmroot("remove", self.name)

    def remove(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.take_root()
            self.handle.undefine()
        shutil.rmtree(self.directory)


@pytest.fixture(scope="module")
def connection(host):
    # Nobody else is on these networks: their addresses need not be asked for first.
    for name in ("all", "default"):
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/accept_dad").write_text("0")
    connection = libvirt.open(private_host.URI)
    yield connection
    connection.close()


@pytest.fixture
def make_network(connection):
    made = []

    def make(content, name="vmr0"):
        made.append(Network(connection, name, content))
        return made[-1]

    yield make
    for network in made:
        network.remove()


@pytest.fixture
def make_guest_here(host, connection):
    made = []

    def make(name="web", devices=""):
        made.append(Guest(host, connection, name, devices))
        return made[-1]

    yield make
    for guest in made:
        guest.remove()
    assert filters(connection) == []


@pytest.fixture
def guest(make_guest_here):
    return make_guest_here()


@pytest.fixture
def make_port():
    made = []

    def make(name, bridge, mac):
        made.append(GuestPort(name, bridge, mac))
        return made[-1]

    yield make
    for port in made:
        port.remove()


def filters(connection):
    return [each for each in connection.listNWFilters() if each.startswith("vmroot")]


def address_of(root):
    return root["address"].split("/")[0]


def hosts_file(network):
    """What dnsmasq reserves."""
    return pathlib.Path(f"/var/lib/libvirt/dnsmasq/{network.name}.hostsfile").read_text()


# Networks


@pytest.mark.parametrize(
    "forward, routed",
    [
        (NAT, True),
        ("<forward mode='route'/>", True),
        ("<forward mode='open'/>", True),
        ("", False),
    ],
    ids=["nat", "route", "open", "isolated"],
)
@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_address_is_reserved_and_given_back(make_network, guest, forward, routed, ipv6):
    network = make_network(forward + DUAL_STACK)
    before = network.xml()
    server, identity = ("fd00:131::1", DUID + MAC) if ipv6 else ("192.168.131.1", MAC)

    options = ["--network", network.name, "--mac-address", MAC]
    root = guest.apply(*options, *(["--server", server] if ipv6 else []))

    address = address_of(root)
    assert root["address"] == ("fd00:131::5054:ff:fe12:3456/64" if ipv6 else "192.168.131.254/24")
    assert root["server"] == server
    assert root.get("gateway") == (server if routed else None)
    assert network.reservations() == [(identity, address)]
    assert address in hosts_file(network)
    assert guest.filter() == (
        (FILTER, [("IPV6", address), ("IPV6", LINK_LOCAL)])
        if ipv6
        else ("clean-traffic", [("IP", address)])
    )

    guest.take_root()
    assert network.xml() == before
    assert address not in hosts_file(network)
    assert guest.definition() == guest.before


def test_reservation_outlives_a_restart_of_the_network(make_network, guest):
    network = make_network(NAT + DUAL_STACK)
    root = guest.apply("--network", network.name, "--server", "fd00:131::1")
    reserved = network.reservations()

    network.handle.destroy()
    network.handle.create()

    assert network.reservations() == reserved
    assert guest.apply("--network", network.name, "--server", "fd00:131::1") == root
    assert network.reservations() == reserved


def test_ipv4_is_preferred_and_ipv6_for_who_asks(make_network, guest):
    network = make_network(NAT + DUAL_STACK)
    options = ("--network", network.name, "--mac-address", MAC)

    assert guest.apply(*options)["address"] == "192.168.131.254/24"
    assert network.reservations() == [(MAC, "192.168.131.254")]

    # One after the other: the first is given back.
    assert guest.apply(*options, "--address", "FD00:131:0::00b")["address"] == "fd00:131::b/64"
    assert network.reservations() == [(DUID + MAC, "fd00:131::b")]

    guest.apply(*options)
    assert network.reservations() == [(MAC, "192.168.131.254")]
    assert guest.filter()[0] == "clean-traffic"


def test_network_with_ipv6_only(make_network, guest):
    network = make_network(NAT.replace("'/>", "'><nat ipv6='yes'/></forward>") + IPV6.format(DHCP6))

    root = guest.apply("--network", network.name, "--mac-address", MAC)

    assert root["address"] == "fd00:131::5054:ff:fe12:3456/64"
    assert root["gateway"] == "fd00:131::1"
    assert network.reservations() == [(DUID + MAC, address_of(root))]


@pytest.mark.parametrize("ip", [IPV4, IPV6], ids=["ipv4", "ipv6"])
def test_without_dhcp_there_is_nothing_to_reserve(make_network, guest, make_guest_here, ip):
    network = make_network(NAT + ip.format(""))
    before = network.xml()

    first = guest.apply("--network", network.name)
    second = make_guest_here("mail").apply("--network", network.name)

    assert network.xml() == before
    assert first["address"] != second["address"]


@pytest.mark.parametrize(
    "content, address, free",
    [
        (
            "<ip address='192.168.131.1' prefix='29'><dhcp>"
            "<range start='192.168.131.2' end='192.168.131.6'/></dhcp></ip>",
            "192.168.131.6",
            5,
        ),
        (
            "<ip family='ipv6' address='fd00:131::1' prefix='125'><dhcp>"
            "<range start='fd00:131::2' end='fd00:131::7'/></dhcp></ip>",
            "fd00:131::7",
            6,
        ),
    ],
    ids=["ipv4", "ipv6"],
)
def test_where_dhcp_gives_all_away_one_of_those_is_reserved(
    make_network, guest, make_guest_here, content, address, free
):
    network = make_network(content)

    root = guest.apply("--network", network.name, "--mac-address", MAC)
    assert address_of(root) == address
    assert [ip for _identity, ip in network.reservations()] == [address]

    for i in range(1, free):
        make_guest_here(f"more{i}").apply("--network", network.name)
    refused = make_guest_here("last").try_apply("--network", network.name)
    assert refused.returncode == 1
    assert "has no free address" in refused.stderr


def test_network_that_is_only_in_memory(connection, guest):
    xml = f"<network><name>vmr1</name><bridge name='vmr1'/>{NAT}{DUAL_STACK}</network>"
    network = connection.networkCreateXML(xml)
    try:
        before = canonical(network.XMLDesc())
        root = guest.apply("--network", "vmr1")
        assert address_of(root) in network.XMLDesc()
        guest.take_root()
        assert canonical(network.XMLDesc()) == before
    finally:
        network.destroy()


def test_entry_of_the_users_stays(make_network, guest):
    entry = f"<host id='{DUID}{MAC}' ip='fd00:131::77'/>"
    network = make_network(IPV6.format(DHCP6.replace("<dhcp>", "<dhcp>" + entry)))
    before = network.xml()

    root = guest.apply("--network", network.name, "--mac-address", MAC)

    assert address_of(root) == "fd00:131::77"
    assert network.xml() == before
    guest.take_root()
    assert network.xml() == before


# Bridges that are not libvirt's


@pytest.fixture
def bridge():
    guest_port.ip("link", "add", "br9", "type", "bridge")
    yield "br9"
    guest_port.ip("link", "delete", "br9")


ELSEWHERE = [
    ("192.0.2.7/24", "192.0.2.1"),
    ("2001:db8::7/64", "2001:db8::1"),
]


@pytest.mark.parametrize("address, server", ELSEWHERE, ids=["ipv4", "ipv6"])
def test_bridge_of_a_network(make_network, guest, bridge, address, server):
    network = make_network(f"<forward mode='bridge'/><bridge name='{bridge}'/>", name="elsewhere")
    options = ("--network", network.name, "--address", address)

    refused = guest.try_apply("--network", network.name)
    assert refused.returncode == 1
    assert "does not know the addresses of the network elsewhere" in refused.stderr
    refused = guest.try_apply(*options)
    assert "--server" in refused.stderr
    assert guest.definition() == guest.before

    root = guest.apply(*options, "--server", server)
    assert (root["address"], root["server"], "gateway" in root) == (address, server, False)
    assert "source network='elsewhere'" in guest.interface().replace('"', "'")
    guest.take_root()
    assert guest.definition() == guest.before


@pytest.mark.parametrize("address, server", ELSEWHERE, ids=["ipv4", "ipv6"])
def test_bridge_of_an_interface(make_network, make_guest_here, bridge, address, server):
    network = make_network(DUAL_STACK)
    devices = INTERFACE.format(kind="bridge", mac=MAC, source=bridge, more="")
    guest = make_guest_here("web", devices)
    mac = ("--mac-address", MAC)

    for options, said in {
        (): "on a bridge that is not its own",
        ("--address", address.split("/")[0], "--server", server): "the length of its network's",
        ("--network", network.name): f"is on the bridge {bridge}, which is not that of the network",
    }.items():
        refused = guest.try_apply(*mac, *options)
        assert refused.returncode == 1
        assert said in refused.stderr

    root = guest.apply("--address", address, "--server", server)
    assert root["mac-address"] == MAC
    assert "network" not in root
    guest.take_root()
    assert guest.definition() == guest.before


# Refusals


@pytest.fixture
def default_network(make_network):
    return make_network(NAT + DUAL_STACK)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--address", "192.168.131.1"], "is that of this host"),
        (["--address", "fd00:131::1"], "is that of this host"),
        (["--address", "192.168.131.0"], "not an address that a guest can have"),
        (["--address", "192.168.131.255"], "not an address that a guest can have"),
        (["--address", "fd00:131::"], "not an address that a guest can have"),
        (["--address", "192.168.132.5"], "not an address that a guest can have"),
        (["--address", "fd00:132::5"], "not an address that a guest can have"),
        (["--address", "192.168.131.5", "--server", "fd00:131::1"], "nor all of IPv6"),
        (["--address", "fe80::5"], "not the address of a guest"),
        (["--address", "ff02::5"], "not the address of a guest"),
        (["--address", "192.168.131.5", "--gateway", "192.0.2.1"], "The router “192.0.2.1” is not"),
        (["--boot-image", "guest", "--address", "fd00:131::5"], "own initramfs cannot be told"),
    ],
)
def test_address_that_no_guest_can_have(default_network, guest, options, said):
    before = default_network.xml()

    refused = guest.try_apply("--network", default_network.name, *options)

    assert refused.returncode == 1
    assert said in refused.stderr
    assert default_network.xml() == before
    assert guest.definition() == guest.before


@pytest.mark.parametrize("server", [[], ["--server", "fd00:131::1"]], ids=["ipv4", "ipv6"])
def test_address_of_another_root(default_network, guest, make_guest_here, server):
    mail = make_guest_here("mail")
    options = ("--network", default_network.name, *server)
    address = address_of(mail.apply(*options))

    refused = guest.try_apply(*options, "--address", address)

    assert refused.returncode == 1
    assert f"The address {address} on the network vmr0 is that of " in refused.stderr
    assert guest.definition() == guest.before


def test_address_of_another_root_where_nothing_is_reserved(
    make_network, guest, make_guest_here, bridge
):
    network = make_network(f"<forward mode='bridge'/><bridge name='{bridge}'/>", name="elsewhere")
    options = ("--network", network.name, "--address", "192.0.2.7/24", "--server", "192.0.2.1")
    make_guest_here("mail").apply(*options)

    refused = guest.try_apply(*options)

    assert "The address 192.0.2.7/24 is that of the guest mail" in refused.stderr


def test_address_reserved_for_somebody_else(make_network, guest):
    entry = f"<host mac='{OTHER_MAC}' ip='192.168.131.9'/>"
    entry6 = "<host name='mail' ip='fd00:131::9'/>"
    network = make_network(
        IPV4.format(DHCP4.replace("<dhcp>", "<dhcp>" + entry))
        + IPV6.format(DHCP6.replace("<dhcp>", "<dhcp>" + entry6))
    )

    for address in ("192.168.131.9", "fd00:131::9"):
        refused = guest.try_apply("--network", network.name, "--address", address)
        assert refused.returncode == 1
        assert f"The address {address} on the network" in refused.stderr


def test_address_that_somebody_has_by_dhcp(default_network, guest, make_port, tmp_path):
    port = make_port("client", default_network.name, OTHER_MAC)
    guest_port.lease(port, tmp_path / "script")
    # dnsmasq tells libvirt after it has told the client.
    while not (leases := default_network.handle.DHCPLeases()):
        pass
    (lease,) = leases

    refused = guest.try_apply("--network", default_network.name, "--address", lease["ipaddr"])

    assert refused.returncode == 1
    assert f"is that of {OTHER_MAC}, which has it by DHCP" in refused.stderr


@pytest.mark.parametrize("running", [False, True], ids=["defined", "running"])
def test_mac_address_of_another_guest(
    connection, default_network, guest, make_guest_here, running
):
    devices = INTERFACE.format(kind="network", mac=MAC, source=default_network.name, more="")
    if running:
        other = connection.createXML(
            DOMAIN.format(name="mail", devices=devices), libvirt.VIR_DOMAIN_START_PAUSED
        )
    else:
        make_guest_here("mail", devices)

    refused = guest.try_apply("--network", default_network.name, "--mac-address", MAC)
    if running:
        other.destroy()

    assert refused.returncode == 1
    assert f"The guest mail has an interface with the MAC address {MAC}, too" in refused.stderr


def test_network_that_does_not_run(default_network, guest):
    default_network.handle.destroy()

    refused = guest.try_apply("--network", default_network.name)

    assert refused.returncode == 1
    assert "The network vmr0 is not active: start it with virsh net-start vmr0" in refused.stderr


def test_interface_on_another_network(make_network, make_guest_here, default_network):
    other = make_network("<ip address='192.168.140.1' prefix='24'/>", name="vmr2")
    devices = INTERFACE.format(kind="network", mac=MAC, source=other.name, more="")
    guest = make_guest_here("web", devices)

    refused = guest.try_apply("--network", default_network.name, "--mac-address", MAC)

    assert refused.returncode == 1
    assert f"The interface {MAC} is on the network vmr2, not on vmr0" in refused.stderr
    assert default_network.reservations() == []
    # Not named, it is that of the interface.
    assert guest.apply("--mac-address", MAC)["address"] == "192.168.140.254/24"


def test_network_that_libvirt_cannot_filter(make_network, guest, bridge):
    direct = f"<forward mode='passthrough'><interface dev='{bridge}'/></forward>"
    network = make_network(direct, name="direct")

    refused = guest.try_apply(
        "--network", network.name, "--address", "192.0.2.7/24", "--server", "192.0.2.1"
    )

    assert "of its mode “passthrough”, which libvirt cannot hold to an address" in refused.stderr


# Steps that fail


@contextlib.contextmanager
def read_only(directory, *but):
    """libvirtd cannot write there, but below `but`."""
    namespaces.mount("--bind", directory, directory)
    namespaces.mount("-o", "remount,bind,ro", directory)
    for each in but:
        namespaces.mount("--bind", each, each)
        namespaces.mount("-o", "remount,bind,rw", each)
    try:
        yield
    finally:
        for each in (*but, directory):
            subprocess.run(["umount", each], check=True)


@contextlib.contextmanager
def without_filter(connection, name):
    handle = connection.nwfilterLookupByName(name)
    xml = handle.XMLDesc()
    handle.undefine()
    try:
        yield
    finally:
        connection.nwfilterDefineXML(xml)


NETWORKS = "/etc/libvirt/qemu/networks"


@pytest.mark.parametrize("server", [[], ["--server", "fd00:131::1"]], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(
    "step, said",
    [
        ("network", "Cannot change the addresses that the network reserves"),
        ("definition", "libvirt refused the new definition"),
        ("interface", "is not of the model virtio"),
        ("filter", "network filter"),
    ],
)
def test_nothing_is_left_where_a_step_fails(
    connection, default_network, make_guest_here, server, step, said
):
    model = INTERFACE.format(kind="network", mac=MAC, source=default_network.name, more="")
    devices = model.replace("virtio", "e1000") if step == "interface" else model
    guest = make_guest_here("web", devices)
    before = default_network.xml()
    if step == "network":
        failing = read_only(NETWORKS)
    elif step == "definition":
        failing = read_only("/etc/libvirt/qemu", NETWORKS)
    elif step == "filter" and server:
        failing = read_only("/etc/libvirt/nwfilter")
    elif step == "filter":
        failing = without_filter(connection, "clean-traffic")
    else:
        failing = contextlib.nullcontext()

    with failing:
        refused = guest.try_apply("--network", default_network.name, *server)

    assert refused.returncode == 1
    assert said in refused.stderr
    assert default_network.xml() == before
    assert guest.definition() == guest.before
    assert filters(connection) == []
    # And it was that step alone.
    if step != "interface":
        guest.apply("--network", default_network.name, *server)


def test_address_stays_the_old_where_the_new_fails(default_network, guest):
    old = guest.apply("--network", default_network.name, "--mac-address", MAC)
    before = default_network.xml()

    with read_only("/etc/libvirt/qemu", NETWORKS):
        refused = guest.try_apply(
            "--network", default_network.name, "--mac-address", MAC, "--server", "fd00:131::1"
        )

    assert refused.returncode == 1
    assert default_network.xml() == before
    assert guest.root() == old


# The filter


def test_filter_is_there_as_long_as_a_guest_has_it(
    connection, default_network, guest, make_guest_here
):
    options = ("--network", default_network.name)
    ipv6 = ("--server", "fd00:131::1")
    other = make_guest_here("mail")

    guest.apply(*options)
    assert filters(connection) == []
    guest.apply(*options, *ipv6)
    other.apply(*options, *ipv6)
    assert filters(connection) == [FILTER]
    guest.take_root()
    assert filters(connection) == [FILTER]
    other.apply(*options)
    assert filters(connection) == []


def test_filter_of_a_guest_that_runs_stays(connection, default_network, guest):
    guest.apply("--network", default_network.name, "--mac-address", MAC, "--server", "fd00:131::1")
    devices = guest.interface()
    guest.take_root()
    # The same interface, in a guest that our hook leaves alone.
    guest.apply("--network", default_network.name, "--server", "fd00:131::1")
    running = connection.createXML(
        DOMAIN.format(name="mail", devices=devices), libvirt.VIR_DOMAIN_START_PAUSED
    )
    try:
        (binding,) = connection.listAllNWFilterBindings()
        assert f"filter='{FILTER}'" in binding.XMLDesc()
        rules = subprocess.run(
            ["ebtables", "-t", "nat", "-L"], check=True, capture_output=True, text=True
        ).stdout
        assert "--ip6-src fd00:131::5054:ff:fe12:3456 -j ACCEPT" in rules
        assert f"--ip6-src {LINK_LOCAL} -j ACCEPT" in rules

        guest.take_root()
        assert filters(connection) == [FILTER]
    finally:
        running.destroy()
    guest.apply("--network", default_network.name)
    assert filters(connection) == []


@contextlib.contextmanager
def bound(connection, guest, port):
    """Have libvirt put the filter of `guest` on the port, as it does when the guest starts."""
    name, parameters = guest.filter()
    inner = "".join(f"<parameter name='{key}' value='{value}'/>" for key, value in parameters)
    binding = connection.nwfilterBindingCreateXML(
        f"<filterbinding><owner><name>{guest.name}</name><uuid>{guest.handle.UUIDString()}</uuid>"
        f"</owner><portdev name='{port.name}'/><mac address='{port.mac}'/>"
        f"<filterref filter='{name}'>{inner}</filterref></filterbinding>"
    )
    try:
        yield
    finally:
        binding.delete()


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_only_its_own_address_reaches_the_server(
    connection, default_network, guest, make_port, ipv6
):
    server = "fd00:131::1" if ipv6 else "192.168.131.1"
    other = "fd00:131::99/64" if ipv6 else "192.168.131.99/24"
    root = guest.apply("--network", default_network.name, "--mac-address", MAC, "--server", server)
    port = make_port("own", default_network.name, MAC)
    port.add_address(root["address"])
    port.add_address(other)
    own, spoofed = address_of(root), other.split("/")[0]

    with guest_port.listening(server) as number:
        assert port.reaches(own, server, number)
        assert port.reaches(spoofed, server, number)
        with bound(connection, guest, port):
            assert port.reaches(own, server, number)
            assert not port.reaches(spoofed, server, number)


def test_what_a_guest_with_ipv6_can_send(connection, default_network, guest, make_port):
    root = guest.apply(
        "--network", default_network.name, "--mac-address", MAC, "--server", "fd00:131::1"
    )
    own = address_of(root)
    port = make_port("out", default_network.name, MAC)
    host = port.bridge_mac

    def send(source, protocol=guest_port.UDP, content=guest_port.udp, mac=MAC):
        def make(end):
            packet = guest_port.ipv6(source, "fd00:131::1", protocol, content(end))
            return guest_port.frame(mac, host, guest_port.IPV6, packet)

        return make

    def neighbour(source, kind):
        return send(source, guest_port.ICMPV6, lambda end: guest_port.icmpv6(kind, end))

    def ipv4(end):
        packet = guest_port.ipv4("192.168.131.254", "192.168.131.1", guest_port.udp(end))
        return guest_port.frame(MAC, host, guest_port.IPV4, packet)

    def arp(end):
        packet = guest_port.arp(MAC, "192.168.131.254", "192.168.131.1")
        return guest_port.frame(MAC, host, guest_port.ARP, packet + end)

    def tagged(end):
        inner = send("fd00:131::9")(end)[12:]
        return guest_port.frame(MAC, host, guest_port.VLAN, b"\0\5" + inner)

    ours = {
        "own address on the link": send(LINK_LOCAL),
        "solicitation": neighbour(own, guest_port.NEIGHBOUR_SOLICITATION),
        "advertisement": neighbour(LINK_LOCAL, guest_port.NEIGHBOUR_ADVERTISEMENT),
        "is it anybody's": neighbour("::", guest_port.NEIGHBOUR_SOLICITATION),
        "groups": neighbour("::", guest_port.MLD_REPORT),
        "own address": send(own),
    }
    foreign = {
        "other guest": send("fd00:131::9"),
        "the server": send("fd00:131::1"),
        "elsewhere": send("2001:db8::1"),
        "other on the link": send("fe80::1"),
        "nobody": send("::"),
        "other card": send(own, mac=OTHER_MAC),
        "other's solicitation": neighbour("fd00:131::9", guest_port.NEIGHBOUR_SOLICITATION),
        "other's advertisement": neighbour("fe80::1", guest_port.NEIGHBOUR_ADVERTISEMENT),
        "router": neighbour(LINK_LOCAL, guest_port.ROUTER_ADVERTISEMENT),
        "redirect": neighbour(LINK_LOCAL, guest_port.REDIRECT),
        "ipv4": ipv4,
        "arp": arp,
        "tagged": tagged,
    }
    everything = {**foreign, **ours}

    # Without the filter, all of it is seen.
    assert port.what_gets_out(everything) == set(everything)
    with bound(connection, guest, port):
        assert port.what_gets_out(everything) == set(ours)


def test_what_a_guest_with_ipv6_gets(connection, default_network, guest, make_port):
    """It may tell neighbours that others' addresses are its own, but that gets it nothing."""
    root = guest.apply(
        "--network", default_network.name, "--mac-address", MAC, "--server", "fd00:131::1"
    )
    port = make_port("in", default_network.name, MAC)

    def send(target, mac=MAC):
        def make(end):
            packet = guest_port.ipv6("fd00:131::1", target, guest_port.UDP, guest_port.udp(end))
            return guest_port.frame(port.bridge_mac, mac, guest_port.IPV6, packet)

        return make

    foreign = {"other guest": send("fd00:131::9"), "other on the link": send("fe80::1")}
    ours = {
        "everybody": send("ff02::1", "33:33:00:00:00:01"),
        "on the link": send(LINK_LOCAL),
        "own": send(address_of(root)),
    }
    everything = {**foreign, **ours}

    assert port.what_gets_in(everything) == set(everything)
    with bound(connection, guest, port):
        assert port.what_gets_in(everything) == set(ours)
