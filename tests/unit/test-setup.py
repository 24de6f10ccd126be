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


def without_texts(output):
    """A dry run shows what files will hold, indented."""
    return "".join(line for line in output.splitlines(True) if not line.startswith(" "))


class Host:
    """A host with libvirt and our programs installed, and a systemctl that writes down its calls."""

    def __init__(self, path):
        self.root = path / "host"
        self.bin = path / "bin"
        self.calls = path / "calls"
        self.units = path / "units"
        hook = self.root / HOOK.lstrip("/")
        hook.parent.mkdir(parents=True)
        hook.write_text("")
        hook.chmod(0o755)
        (self.root / "etc/libvirt").mkdir(parents=True)
        self.bin.mkdir()
        # Those of the machine that the test runs on have nothing to do with this host.
        self.has_program("nft", """echo '{"nftables": []}'""")
        self.has_program("iptables", "echo -P INPUT ACCEPT")
        self.has_program("ip6tables", "echo -P INPUT ACCEPT")
        self.has_program("firewall-cmd", "exit 252")

    def has_program(self, name, script):
        """A program that writes down how it is called, and kills who calls it the KILL_AT-th time to
        change something: before it has done so, or after. It starts no other where it need not:
        there are hundreds of calls."""
        program = self.bin / name
        program.write_text(
            f"""#!/bin/sh
            echo "$@" >> {self.calls}-{name}
            case "$*" in
            *--quiet\\ is-*|*show*|*--query-*|*--list-*|*list|--state) ;;
            *)
                printf x >> {self.calls}-changes
                read -r changes < {self.calls}-changes
                if [ "$KILL_AT" = ${{#changes}} ]; then
                    [ "$KILL_WHEN" = after ] || {{ kill -9 $PPID; exit; }}
                    trap 'kill -9 $PPID' EXIT
                fi ;;
            esac
            {script}
            """
        )
        program.chmod(0o755)

    def calls_of(self, name):
        calls = self.calls.with_name(f"calls-{name}")
        return calls.read_text().splitlines() if calls.exists() else []

    def has_systemd(self, *active):
        """A systemctl that keeps a file for each unit that is active, and one for each enabled."""
        for directory in ("run/systemd/system", "etc/systemd/system"):
            (self.root / directory).mkdir(parents=True)
        for state in ("active", "enabled"):
            (self.units / state).mkdir(parents=True)
        for unit in active:
            (self.units / "active" / f"{unit}.service").touch()
        self.has_program(
            "systemctl",
            f"cd {self.units}\n"
            'case "$2" in\n'
            'is-active) [ -e "active/$3" ] ;;\n'
            'is-enabled) [ -e "enabled/$3" ] ;;\n'
            'start) : > "active/$3" ;;\n'
            'stop) rm -f "active/$3" ;;\n'
            'enable) : > "enabled/$3" ;;\n'
            'disable) rm -f "enabled/$3" ;;\n'
            "esac",
        )

    def units_that_are(self, state):
        return sorted(path.stem for path in (self.units / state).iterdir())

    def changes_to_units(self):
        calls = self.calls_of("systemctl")
        asked = ("is-active", "is-enabled", "show")
        return [call for call in calls if not any(word in call.split() for word in asked)]

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def has_nfs_server(self, threads=8, versions="+3 +4 +4.1 +4.2", listener="00000000:0801"):
        """The kernel's server, as /proc shows it."""
        self.write("usr/sbin/rpc.nfsd", "").chmod(0o755)
        self.write("proc/meminfo", "MemTotal: 1000000 kB\n")
        self.write("proc/fs/nfsd/threads", str(threads))
        self.write("proc/fs/nfsd/versions", versions + "\n")
        self.write(
            "proc/net/tcp",
            "  sl  local_address rem_address   st tx_queue rx_queue\n"
            "   0: 00000000:0016 00000000:0000 0A 00000000:00000000\n"
            f"   1: {listener} 00000000:0000 0A 00000000:00000000\n"
            "  12: 0100007F:0801 0100007F:9A3C 01 00000000:00000000\n",
        )

    def has_nss_modules(self, *modules):
        for module in modules or ("libvirt", "libvirt_guest"):
            self.write(f"usr/lib/x86_64-linux-gnu/libnss_{module}.so.2", "")

    def has_firewalld(self, *files):
        """A firewall-cmd that has a file for each thing it knows, of now or permanent, with the
        services that it lets through; the permanent ones are kept where firewalld keeps them."""
        for path in files or ("zones/libvirt.xml", "policies/libvirt-to-host.xml"):
            self.write(f"run/{path}", "dns\n")
            self.write(f"usr/lib/firewalld/{path}", "dns\n")
        (self.root / "etc/firewalld/zones").mkdir(parents=True)
        (self.root / "etc/firewalld/policies").mkdir(parents=True)
        self.has_program(
            "firewall-cmd",
            f"""cd {self.root}
            [ "$1" != --state ] || exit 0
            permanent=
            [ "$1" != --permanent ] || {{ permanent=1; shift; }}
            case $1 in
            --zone=*) path=zones/${{1#*=}}.xml ;;
            --policy=*) path=policies/${{1#*=}}.xml ;;
            esac
            [ -e run/$path ] || exit 112
            file=run/$path
            if [ "$permanent" ]; then
                file=etc/firewalld/$path
                [ -e $file ] || file=usr/lib/firewalld/$path
            fi
            service=${{2#*=}}
            others=
            known=1
            while read -r line; do
                [ "$line" = "$service" ] && known=0 || others="$others $line"
            done < $file
            case $2 in
            --query-service=*) exit $known ;;
            --query-port=*) exit 1 ;;
            --list-services) exit ;;
            esac
            [ "$permanent" ] && file=etc/firewalld/$path
            [ "$permanent" ] && [ -e $file ] && cp $file $file.old
            case $2 in
            --add-service=*) printf '%s\\n' $others "$service" ;;
            --remove-service=*) printf '%s\\n' $others ;;
            esac > $file""",
        )

    def run(self, program, *words, **environment):
        return subprocess.run(
            [program, *words],
            capture_output=True,
            text=True,
            timeout=120,
            env={
                **os.environ,
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "VMROOT_SYSROOT": str(self.root),
                **environment,
            },
        )

    def setup(self, *words, **environment):
        return self.run(VMROOT, "setup", "--sysroot", str(self.root), *words, **environment)

    def firewall(self, verb):
        return self.run(os.environ["VMROOT_LIBEXEC_DIR"] + "/vmroot-firewall", verb)

    def picture(self):
        """All that is there: for each path what it is and what it holds."""
        picture = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                picture[name] = os.readlink(path)
            else:
                mode = stat.filemode(path.stat().st_mode)
                picture[name] = (mode, path.read_text() if path.is_file() else None)
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
    assert host.setup().stdout == without_texts(planned.stdout).replace("would make", "made")


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
    assert not host.changes_to_units()

    assert f"reloaded {active}.service" in host.setup().stdout
    host.setup()
    assert host.changes_to_units() == [f"--quiet reload {active}.service"]


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


# Pieces, one by one.


def test_plain_setup_leaves_nfs_and_names_alone(host):
    host.has_nfs_server()
    host.write("etc/nsswitch.conf", "hosts: files dns\n")
    host.has_nss_modules()
    host.setup()

    assert not (host.root / "etc/nfs.conf.d").exists()
    assert (host.root / "etc/nsswitch.conf").read_text() == "hosts: files dns\n"


def test_a_piece_alone(host):
    assert host.setup("export").returncode == 0
    assert (host.root / "export").is_dir()
    assert not (host.root / "etc/vmroot").exists()
    assert not (host.root / LINK).is_symlink()


def test_undo_of_a_piece_leaves_the_others(host):
    host.setup()
    undone = host.setup("--undo", "hook")

    assert undone.returncode == 0, undone.stderr
    assert not (host.root / LINK).is_symlink()
    assert (host.root / "export").is_dir()
    host.setup("--undo")
    assert not (host.root / "export").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["kitchen"],
        ["nfs", "--nfs-versions=3"],
        ["nfs", "--nfs-host=somewhere"],
        ["nfs", "--nfs-host=fe80::1%eth0"],
        ["--nfs-host=192.0.2.1"],
        ["--restart"],
    ],
)
def test_misuse(host, words):
    before = host.picture()

    assert host.setup(*words).returncode == 2
    assert host.picture() == before


# The NFS server.

NFS_CONF = "etc/nfs.conf.d/vmroot.conf"


def settings(host):
    lines = (host.root / NFS_CONF).read_text().splitlines()
    return dict(line.split("=") for line in lines if "=" in line)


def test_nfs_server_is_configured_enabled_and_started(host):
    host.has_systemd()
    host.has_nfs_server()
    before = host.picture()
    planned = host.setup("nfs", "--dry-run")
    assert host.picture() == before and not host.changes_to_units()

    result = host.setup("nfs")

    assert result.returncode == 0, result.stderr
    assert settings(host) == {"vers4": "y", "vers4.2": "y", "threads": "8"}
    assert host.units_that_are("active") == host.units_that_are("enabled") == ["nfs-server"]
    assert "    threads=8\n" in planned.stdout
    planned_steps = without_texts(planned.stdout)
    for did in ("made", "enabled", "started"):
        plan = {"made": "make", "enabled": "enable", "started": "start"}[did]
        planned_steps = planned_steps.replace(f"would {plan} ", f"{did} ")
    assert result.stdout == planned_steps

    changes = host.changes_to_units()
    again = host.setup("nfs")
    assert "nothing to do" in again.stdout
    assert host.changes_to_units() == changes


def test_undo_of_nfs_gives_everything_back(host):
    host.has_systemd()
    host.has_nfs_server()
    (host.root / "var/lib").mkdir(parents=True)
    before = host.picture()
    host.setup("nfs", "--nfs-host=192.168.122.1")
    assert host.setup("--undo").returncode == 0

    assert host.picture() == before
    assert host.units_that_are("active") == host.units_that_are("enabled") == []


def test_a_server_that_ran_before_runs_after_undo(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(threads=8)
    host.setup("nfs")
    host.setup("--undo")

    assert host.units_that_are("active") == ["nfs-server"]
    assert not host.units_that_are("enabled")


def test_a_server_that_exports_is_not_stopped(host):
    host.has_systemd()
    host.has_nfs_server()
    host.setup("nfs")
    host.write("var/lib/nfs/etab", "/srv\t192.0.2.7(rw)\n")
    undone = host.setup("--undo")

    assert "left started unit nfs-server.service: it exports something" in undone.stdout
    assert host.units_that_are("active") == ["nfs-server"]
    host.write("var/lib/nfs/etab", "")
    host.setup("--undo")
    assert not host.units_that_are("active")


@pytest.mark.parametrize(("gibibytes", "most"), [(1, 16), (4, 64), (1024, 256)])
def test_threads_by_memory_and_cores(host, gibibytes, most):
    host.has_nfs_server()
    host.write("proc/meminfo", f"MemTotal: {gibibytes << 20} kB\nMemFree: 7 kB\n")
    host.setup("nfs")

    cores = len(os.sched_getaffinity(0))
    assert int(settings(host)["threads"]) == max(8, min(8 * cores, most))


def test_threads_of_a_running_server_are_raised_while_it_runs(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(threads=3)
    threads = host.root / "proc/fs/nfsd/threads"

    assert "/proc/fs/nfsd/threads: 8" in host.setup("nfs", "--dry-run").stdout
    assert threads.read_text() == "3"
    host.setup("nfs")
    assert threads.read_text() == "8"
    assert not any("restart" in call for call in host.changes_to_units())

    host.setup("--undo")
    assert threads.read_text() == "3"


def test_more_threads_of_the_administrator_stay(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(threads=64)
    host.write("etc/nfs.conf", "[mountd]\nthreads=1\n[nfsd]\n# threads=8\nthreads = 64\n")
    host.setup("nfs")

    assert "threads" not in settings(host)
    assert (host.root / "proc/fs/nfsd/threads").read_text() == "64"


def test_versions_and_addresses_only_when_asked_and_kept_then(host):
    host.has_systemd()
    host.has_nfs_server()
    host.setup("nfs", "--nfs-versions=4.2", "--nfs-host=192.168.122.1")
    asked = settings(host)
    assert asked["host"] == "192.168.122.1"
    assert asked["vers3"] == asked["vers4.0"] == asked["vers4.1"] == "n"
    drop_in = host.root / "etc/systemd/system/nfs-server.service.d/vmroot.conf"
    assert "After=libvirtd.service" in drop_in.read_text()
    assert "wait-for-address 192.168.122.1\n" in drop_in.read_text()

    host.has_nfs_server(versions="-3 +4 -4.1 +4.2", listener="017AA8C0:0801")
    assert "nothing to do" in host.setup("nfs").stdout
    assert settings(host) == asked

    host.setup("nfs", "--nfs-versions=all", "--nfs-host=")
    assert settings(host).keys() == {"vers4", "vers4.2", "threads"}
    assert not drop_in.exists()


RESTARTS = {
    "4.2 is off": ([], "+3 +4 +4.1 -4.2", "00000000:0801"),
    "others are on": (["--nfs-versions=4.2"], "+3 +4 +4.1 +4.2", "00000000:0801"),
    "listens on all": (["--nfs-host=192.168.122.1"], "+4 +4.2", "00000000:0801"),
    "listens on another": (["--nfs-host=192.168.122.1"], "+4 +4.2", "010011AC:0801"),
    "listens on one": (["--nfs-host="], "+4 +4.2", "017AA8C0:0801"),
}


@pytest.mark.parametrize("case", RESTARTS)
def test_restart_that_would_disturb_others_is_refused(host, case):
    words, versions, listener = RESTARTS[case]
    host.has_systemd("nfs-server")
    host.has_nfs_server(versions=versions, listener=listener)
    host.write("var/lib/nfs/etab", "/srv\t192.0.2.7(rw)\n")
    before = host.picture()

    refused = host.setup("nfs", *words)
    assert refused.returncode == 1 and "--restart" in refused.stderr
    assert host.picture() == before

    assert "restarted nfs-server.service" in host.setup("nfs", "--restart", *words).stdout


def test_restart_of_a_server_without_clients(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(versions="+3 +4 +4.1 -4.2")

    assert "restarted nfs-server.service" in host.setup("nfs").stdout
    assert "restarted nfs-server.service" in host.setup("--undo").stdout


def test_server_that_is_as_asked_goes_on(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(versions="-3 +4 -4.1 +4.2", listener="017AA8C0:0801")
    result = host.setup("nfs", "--nfs-versions=4.2", "--nfs-host=192.168.122.1")

    assert result.returncode == 0
    assert not any("restart" in call for call in host.changes_to_units())


def test_nfs_configuration_of_somebody_else_stays(host):
    host.has_systemd("nfs-server")
    host.has_nfs_server(threads=4)
    host.write(NFS_CONF, "[nfsd]\nthreads=4\n")
    result = host.setup("nfs")

    assert result.returncode == 0
    assert NFS_CONF in result.stderr
    assert (host.root / NFS_CONF).read_text() == "[nfsd]\nthreads=4\n"
    assert (host.root / "proc/fs/nfsd/threads").read_text() == "4"


def test_nfs_server_that_is_not_installed_is_named(host):
    before = host.picture()
    result = host.setup("nfs")

    assert result.returncode == 1
    assert "nfs-kernel-server" in result.stderr
    assert host.picture() == before


# Names of guests.

NSSWITCH = "etc/nsswitch.conf"

HOSTS_LINES = {
    "hosts:          files dns": "hosts:          files libvirt libvirt_guest dns",
    "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # mine": (
        "hosts:\tfiles mdns4_minimal [NOTFOUND=return] libvirt libvirt_guest dns # mine"
    ),
    "hosts: mymachines resolve [!UNAVAIL=return] files dns": (
        "hosts: mymachines libvirt libvirt_guest resolve [!UNAVAIL=return] files dns"
    ),
    "hosts: files [dns=return] myhostname  ": (
        "hosts: files [dns=return] myhostname libvirt libvirt_guest  "
    ),
    "hosts: files libvirt dns": "hosts: files libvirt libvirt_guest dns",
    "hosts: files libvirt libvirt_guest dns": "hosts: files libvirt libvirt_guest dns",
    "#hosts: files dns": "#hosts: files dns",
}


@pytest.mark.parametrize("line", HOSTS_LINES)
def test_libvirts_modules_come_before_who_asks_the_network(host, line):
    host.has_nss_modules()
    before = f"passwd: files\n{line}\n\nnetworks: dns"
    file = host.write(NSSWITCH, before)
    file.chmod(0o664)

    planned = host.setup("nss", "--dry-run")
    assert file.read_text() == before
    host.setup("nss")
    assert file.read_text() == before.replace(line, HOSTS_LINES[line])
    assert stat.S_IMODE(file.stat().st_mode) == 0o664
    if line != HOSTS_LINES[line]:
        assert HOSTS_LINES[line] in planned.stdout

    assert "nothing to do" in host.setup("nss").stdout
    host.setup("--undo")
    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o664


def test_nothing_is_named_that_is_not_installed(host):
    file = host.write(NSSWITCH, "hosts: files dns\n")
    assert "libnss-libvirt" in host.setup("nss").stderr

    host.has_nss_modules("libvirt")
    host.setup("nss")
    assert file.read_text() == "hosts: files libvirt dns\n"

    host.has_nss_modules()
    host.setup("nss")
    assert file.read_text() == "hosts: files libvirt libvirt_guest dns\n"
    host.setup("--undo")
    assert file.read_text() == "hosts: files dns\n"


def test_a_file_that_was_changed_since_is_left(host):
    host.has_nss_modules()
    file = host.write(NSSWITCH, "hosts: files dns\n")
    host.setup("nss")
    file.write_text(file.read_text() + "networks: files\n")

    for words in (["--dry-run"], []):
        assert "left /etc/nsswitch.conf: it was changed" in host.setup("--undo", *words).stdout
    assert file.read_text() == "hosts: files libvirt libvirt_guest dns\nnetworks: files\n"


def test_an_edit_after_somebody_elses_is_undone_to_that(host):
    host.has_nss_modules()
    file = host.write(NSSWITCH, "hosts: files dns\n")
    host.setup("nss")
    file.write_text("hosts: files resolve\n")
    host.setup("nss")
    assert file.read_text() == "hosts: files libvirt libvirt_guest resolve\n"

    host.setup("--undo")
    assert file.read_text() == "hosts: files resolve\n"


def test_an_edit_that_was_recorded_and_not_made_is_forgotten(host):
    host.has_nss_modules()
    (host.root / "var/lib").mkdir(parents=True)
    file = host.write(NSSWITCH, "hosts: files dns\n")
    before = host.picture()
    host.setup("nss")
    file.write_text("hosts: files dns\n")

    undone = host.setup("--undo")
    assert "left" not in undone.stdout
    assert host.picture() == before


def test_what_authselect_writes_is_left_to_it(host):
    host.has_nss_modules()
    host.write("etc/authselect/nsswitch.conf", "hosts: files dns\n")
    (host.root / NSSWITCH).symlink_to("authselect/nsswitch.conf")

    assert "authselect" in host.setup("nss").stderr
    assert (host.root / NSSWITCH).read_text() == "hosts: files dns\n"


# The firewall.

CLOSED = "echo -P INPUT DROP"


def closed(host):
    host.has_program("iptables", CLOSED)


def inserted(host, program):
    return [call for call in host.calls_of(program) if "insert" in call]


def test_without_a_firewall_nothing_is_opened(host):
    host.has_systemd()
    result = host.setup("firewall")

    assert result.returncode == 0, result.stderr
    assert "nothing to do" in result.stdout
    assert not host.changes_to_units()


def test_a_closed_firewall_is_opened_by_a_unit(host):
    host.has_systemd()
    closed(host)
    planned = host.setup("firewall", "--dry-run")
    assert "would let NFS from libvirt's bridges through: iptables INPUT" in planned.stdout
    assert not host.changes_to_units()

    assert host.setup("firewall").returncode == 0
    assert host.units_that_are("enabled") == host.units_that_are("active") == ["vmroot-firewall"]

    host.setup("--undo")
    assert not host.units_that_are("enabled") and not host.units_that_are("active")


def test_a_firewall_whose_rules_were_flushed_is_opened_again(host):
    host.has_systemd("vmroot-firewall")
    closed(host)

    assert "reloaded vmroot-firewall.service" in host.setup("firewall").stdout


def test_a_firewall_that_cannot_be_seen(host):
    host.has_systemd()
    host.has_program("nft", "echo Operation not permitted >&2; exit 1")

    assert "Operation not permitted" in host.setup("firewall", "--dry-run").stderr
    failed = host.setup("firewall")
    assert failed.returncode == 1 and "Operation not permitted" in failed.stderr


NETWORK = """<!-- libvirt's warning -->
<network><name>x</name>{forward}<bridge name='{bridge}' stp='on'/></network>"""


def test_rules_are_for_libvirts_bridges_only(host):
    networks = {"default": ("virbr0", "nat"), "lab": ("lab", None), "lan": ("br0", "bridge")}
    for name, (bridge, mode) in networks.items():
        forward = f"<forward mode='{mode}'/>" if mode else ""
        host.write(
            f"etc/libvirt/qemu/networks/{name}.xml", NETWORK.format(forward=forward, bridge=bridge)
        )
    host.write("etc/libvirt/qemu/networks/broken.xml", "<network><bridge name='other'")
    closed(host)
    host.has_program(
        "nft",
        """echo '{"nftables": [{"chain": {"family": "inet", "table": "t", "name": "c",
        "type": "filter", "hook": "input", "policy": "drop"}}]}'""",
    )

    opened = host.firewall("open")

    assert opened.stdout.splitlines() == ["iptables INPUT", "nft inet t c"]
    rule = "-p tcp --dport 2049 -m comment --comment vmroot-nfs -j ACCEPT"
    assert inserted(host, "iptables") == [
        f"--wait --insert INPUT -i {bridge} {rule}" for bridge in ("virbr+", "lab")
    ]
    assert inserted(host, "nft") == [
        f'insert rule inet t c iifname "{bridge}" tcp dport 2049 accept comment "vmroot-nfs"'
        for bridge in ("virbr*", "lab")
    ]


def test_only_our_rules_are_taken_away(host):
    ours = "-A INPUT -i virbr+ -p tcp -m tcp --dport 2049 -m comment --comment vmroot-nfs -j ACCEPT"
    host.has_program("iptables", f"echo -P INPUT DROP; echo '{ours}'; echo -A INPUT -i lo -j ACCEPT")
    host.has_program(
        "nft",
        """echo '{"nftables": [
        {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 7, "expr": []}},
        {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 9, "expr": [],
                  "comment": "vmroot-nfs"}}]}'""",
    )

    assert host.firewall("close").returncode == 0
    deletions = [call for call in host.calls_of("iptables") if "--delete" in call]
    assert deletions == [ours.replace("-A", "--wait --delete")]
    assert [call for call in host.calls_of("nft") if "delete" in call] == [
        "delete rule inet t c handle 9"
    ]


ZONE = "etc/firewalld/zones/libvirt.xml"


def services(host, path):
    return (host.root / path).read_text().split()


def test_firewalld_lets_nfs_through_now_and_permanently(host):
    host.has_firewalld()
    before = host.picture()
    planned = host.setup("firewall", "--dry-run")
    assert host.picture() == before
    done = host.setup("firewall")

    assert done.returncode == 0, done.stderr
    assert done.stdout == planned.stdout.replace("would make", "made").replace("would let", "let")
    for path in ("zones/libvirt.xml", "policies/libvirt-to-host.xml"):
        assert services(host, f"run/{path}") == ["dns", "nfs"]
        assert services(host, f"etc/firewalld/{path}") == ["dns", "nfs"]

    assert "nothing to do" in host.setup("firewall").stdout


@pytest.mark.parametrize("before", [{}, {ZONE: "ssh\n"}, {ZONE: "ssh\n", ZONE + ".old": "dhcp\n"}])
def test_undo_gives_firewalld_its_files_back(host, before):
    host.has_firewalld()
    (host.root / "var/lib").mkdir(parents=True)
    for path, text in before.items():
        host.write(path, text)
    picture = host.picture()
    host.setup("firewall")
    undone = host.setup("--undo")

    assert undone.returncode == 0, undone.stderr
    assert host.picture() == picture


def test_what_others_let_through_since_stays(host):
    host.has_firewalld()
    host.setup("firewall")
    with (host.root / ZONE).open("a") as file:
        file.write("http\n")
    undone = host.setup("--undo")

    assert f"left /{ZONE}: it was changed" in undone.stdout
    assert services(host, ZONE) == ["dns", "http"]


def test_what_was_let_through_before_stays(host):
    host.has_firewalld()
    host.write(ZONE, "dns\nnfs\n")
    host.write("run/zones/libvirt.xml", "dns\nnfs\n")
    host.setup("firewall")
    host.setup("--undo")

    assert services(host, ZONE) == services(host, "run/zones/libvirt.xml") == ["dns", "nfs"]


def test_firewalld_without_libvirts_policy(host):
    host.has_firewalld("zones/libvirt.xml")
    result = host.setup("firewall")

    assert result.returncode == 0
    assert "--policy=libvirt-to-host" in result.stderr
    assert services(host, ZONE) == ["dns", "nfs"]


def test_undo_waits_for_a_firewalld_that_is_stopped(host):
    host.has_firewalld()
    host.setup("firewall")
    host.has_program("firewall-cmd", "exit 252")

    assert "firewalld does not run" in host.setup("--undo").stdout
    assert services(host, ZONE) == ["dns", "nfs"]


# Killed on the way.


def host_with_everything(path):
    path.mkdir()
    host = Host(path)
    host.has_systemd("libvirtd")
    host.has_nfs_server()
    host.has_nss_modules()
    host.has_firewalld()
    closed(host)
    host.write(NSSWITCH, "hosts: files dns\n")
    (host.root / "var/lib").mkdir(parents=True)
    return host


def test_setup_that_was_killed_is_finished_or_undone(tmp_path):
    """At each call of a program that changes something: before it has, and after."""
    whole = host_with_everything(tmp_path / "whole")
    before = whole.picture()
    done = whole.setup("all")
    assert done.returncode == 0, done.stderr
    after = whole.picture()
    units = {state: whole.units_that_are(state) for state in ("active", "enabled")}
    assert whole.setup("--undo").returncode == 0
    assert whole.picture() == before
    assert whole.units_that_are("active") == ["libvirtd"]

    for n in range(1, 20):
        host = host_with_everything(tmp_path / f"{n}")
        killed = host.setup("all", KILL_AT=str(n), KILL_WHEN="before")
        if killed.returncode == 0:
            break

        assert host.setup("--undo").returncode == 0
        assert host.picture() == before
        assert host.units_that_are("active") == ["libvirtd"]
        host.calls.with_name("calls-changes").unlink()
        host.setup("all", KILL_AT=str(n), KILL_WHEN="after")
        assert host.setup("all").returncode == 0
        assert host.picture() == after
        assert {state: host.units_that_are(state) for state in units} == units
    assert n > 6
