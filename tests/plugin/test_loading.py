# SPDX-License-Identifier: GPL-2.0-or-later
"""How the page gets into virt-manager, and that virt-manager is as ever where it cannot."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from virt_manager import until

ROW = "Root filesystem"
VIRT_MANAGER = "/usr/bin/virt-manager"


def rows(app):
    window = app.window(lambda name: name.startswith("web"))
    window.find("table cell", "Boot Options")
    return [cell.name for cell in window.find("table").find_all("table cell") if cell.name]


def test_row_follows_boot_options(virt_manager):
    names = rows(virt_manager())

    assert names[names.index("Boot Options") + 1] == ROW
    # The rows of devices are sorted in behind it, as ever.
    assert names.index("VirtIO Disk 1") == names.index(ROW) + 1


def test_stock_virt_manager_has_no_row(virt_manager):
    assert ROW not in rows(virt_manager([VIRT_MANAGER]))


def test_start_that_forks(virt_manager):
    app = virt_manager(fork=True)

    assert ROW in rows(app)
    assert app.process.wait(20) == 0
    assert app.pid != app.process.pid


def customize_new_guest(app):
    """Through the assistant for a new guest, to its question whether to change the definition."""
    assistant = app.window("New VM")

    def forward():
        assistant.find("push button", "Forward").click()

    assistant.find("radio button", lambda name: name.startswith("Manual")).click()
    forward()
    system = assistant.find("text", "oslist-entry")
    system.focus()
    system.text = "generic"
    app.find("table cell", lambda name: name.endswith("(generic)")).press()
    until(lambda: system.text.startswith("Generic or unknown"), "an operating system")
    forward()
    assistant.find("label", lambda name: name.startswith("Choose Memory"))
    forward()
    assistant.find("check box", lambda name: name.startswith("Enable storage")).click()
    forward()
    assistant.find("check box", lambda name: name.startswith("Customize")).click()
    assistant.find("push button", "Finish").click()
    return app.window(lambda name: name.startswith("vm-"))


def test_guest_that_is_not_there_yet_has_no_row(virt_manager):
    app = virt_manager(arguments=["--show-domain-creator"])

    window = customize_new_guest(app)

    window.find("table cell", "Boot Options")
    assert ROW not in [cell.name for cell in window.find_all("table cell", hidden=True)]


def autoloading(tmp_path):
    """A folder whose .pth file is read as those of dist-packages are."""
    plugin = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    source = os.path.join(plugin, "vmroot-virt-manager.pth.in")
    (tmp_path / "usercustomize.py").write_text(
        f"import site; site.addsitedir({str(tmp_path / 'site')!r})\n"
    )
    (tmp_path / "site").mkdir()
    text = open(source, encoding="utf-8").read().replace("@plugindir@", plugin)
    (tmp_path / "site/vmroot.pth").write_text(text)
    return os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])


def test_automatic_loading(virt_manager, tmp_path):
    app = virt_manager([VIRT_MANAGER], PYTHONPATH=autoloading(tmp_path))

    assert ROW in rows(app)


def test_automatic_loading_leaves_other_programs_alone(tmp_path):
    program = tmp_path / "other.py"
    program.write_text("import sys; print('vmroot_virtmanager' in sys.modules)")

    said = subprocess.run(
        [sys.executable, program],
        text=True,
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": autoloading(tmp_path)},
    ).stdout

    assert said == "False\n"


def test_importing_brings_no_gtk_no_dbus_and_no_thread():
    program = (
        "import sys, threading, vmroot_virtmanager; vmroot_virtmanager.install();"
        "print('gi' in sys.modules, threading.active_count())"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, check=True
    ).stdout

    assert said == "False 1\n"


@pytest.fixture
def changed_virt_manager(tmp_path):
    """Makes a copy of virt-manager in which a name that we know is another."""

    def change(name):
        copy = tmp_path / "virt-manager"
        shutil.copytree("/usr/share/virt-manager", copy)
        word = re.compile(rf"\b{name}\b")
        for file in copy.rglob("*.py"):
            file.write_text(word.sub(f"{name}_of_another_version", file.read_text()))
        program = tmp_path / "bin/virt-manager"
        program.parent.mkdir()
        program.write_text(
            open(VIRT_MANAGER, encoding="utf-8").read().replace("/usr/share/virt-manager", str(copy))
        )
        return str(program)

    return change


# One of each place where names are looked for
@pytest.mark.parametrize(
    "name", ["_make_hw_list_entry", "HW_LIST_TYPE_BOOT", "get_xml_to_define", "list_nets", "_xmleditor"]
)
def test_unknown_virt_manager_works_without_the_page(virt_manager, changed_virt_manager, name):
    app = virt_manager(VMROOT_VIRT_MANAGER=changed_virt_manager(name))

    assert ROW not in rows(app)
    said = [line for line in app.output.splitlines() if "vmroot:" in line]
    assert len(said) == 1
    assert name in said[0]
    assert "Traceback" not in app.output


def test_without_the_library_virt_manager_works(virt_manager):
    app = virt_manager(GI_TYPELIB_PATH="", LD_LIBRARY_PATH="")

    assert ROW not in rows(app)
    assert "vmroot: the page is left out" in app.output


def test_typelib_without_the_library_is_told_before_anything_is_shown(virt_manager, tmp_path):
    """As after half an update: the library itself is loaded at its first call only."""
    typelibs = tmp_path / "typelibs"
    typelibs.mkdir()
    for path in os.environ["GI_TYPELIB_PATH"].split(os.pathsep):
        for typelib in pathlib.Path(path).glob("*.typelib"):
            data = typelib.read_bytes()
            (typelibs / typelib.name).write_bytes(data.replace(b"libvmroot-1.0.so.0", b"libvmroot-0.9.so.0"))

    app = virt_manager(GI_TYPELIB_PATH=str(typelibs), LD_LIBRARY_PATH="")

    assert ROW not in rows(app)
    assert "vmroot: the page is left out" in app.output


def test_without_virt_manager(tmp_path):
    run = subprocess.run(
        [os.environ["VMROOT_LAUNCHER"]],
        text=True,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "VMROOT_VIRT_MANAGER": str(tmp_path / "none")},
    )

    assert run.returncode == 1
    assert "install virt-manager" in run.stderr


def test_second_launch_beside_a_stock_virt_manager_asks(virt_manager):
    stock = virt_manager([VIRT_MANAGER])
    rows(stock)
    launch = subprocess.Popen(
        [os.environ["VMROOT_LAUNCHER"]],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": ""},
    )

    _out, errors = launch.communicate(timeout=30)

    assert launch.returncode == 1
    assert f"process {stock.pid}" in errors
