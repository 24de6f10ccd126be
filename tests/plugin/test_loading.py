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


def test_guest_that_is_not_there_yet_has_no_row(virt_manager, photograph):
    app = virt_manager(arguments=["--show-domain-creator"])

    window = customize_new_guest(app)

    window.find("table cell", "Boot Options")
    photograph("light-customize")
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


def test_automatic_loading_as_it_is_installed(virt_manager, tmp_path):
    source = pathlib.Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]).parent
    build, prefix = tmp_path / "build", tmp_path / "prefix"
    options = [f"--prefix={prefix}", "-Dvirt-manager-autoload=true", "-Dintrospection=disabled"]
    for argv in (
        ["meson", "setup", *options, build, source],
        ["meson", "install", "-C", build, "--no-rebuild", "--tags", "virt-manager-autoload"],
    ):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    (pth,) = prefix.rglob("*.pth")
    plugin = prefix / "share/vmroot/plugin"
    assert str(plugin) in pth.read_text()
    shutil.copytree(source / "plugin/vmroot_virtmanager", plugin / "vmroot_virtmanager")
    (tmp_path / "usercustomize.py").write_text(f"import site; site.addsitedir({str(pth.parent)!r})\n")

    app = virt_manager([VIRT_MANAGER], PYTHONPATH=str(tmp_path))

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
def broken_page(tmp_path):
    """Makes a copy of the plugin with an error in it. Returns PYTHONPATH for it."""

    def break_(file, old, new):
        plugin, *others = os.environ["PYTHONPATH"].split(os.pathsep)
        copy = tmp_path / "plugin"
        shutil.copytree(plugin, copy)
        path = copy / "vmroot_virtmanager" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return os.pathsep.join([str(copy), *others])

    return break_


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("adapter.py", "    stock = vmwindow.vmmDetails\n"),
        ("adapter.py", '        self.key = _("Root filesystem")\n'),
    ],
    ids=["activation", "row"],
)
def test_error_of_ours_leaves_virt_manager_as_it_is(virt_manager, broken_page, file, place):
    indent = place[: len(place) - len(place.lstrip())]

    app = virt_manager(PYTHONPATH=broken_page(file, place, f"{indent}1 / 0\n{place}"))

    assert ROW not in rows(app)
    assert "division by zero" in app.output


def test_error_of_the_page_is_shown_on_the_page_only(virt_manager, broken_page):
    app = virt_manager(PYTHONPATH=broken_page("page.py", "    def refresh(self):\n", "    def refresh(self):\n        1 / 0\n"))
    window = app.window(lambda name: name.startswith("web"))

    window.find("table cell", ROW).press()
    app.dialog("division by zero").find("push button", "Close").click()

    window.find("table cell", "Overview").press()
    window.find("label", lambda name: name == "Basic Details")


def test_error_at_the_end_of_the_page_is_logged(virt_manager, broken_page):
    path = broken_page("page.py", "    def cleanup(self):\n", "    def cleanup(self):\n        1 / 0\n")
    app = virt_manager(PYTHONPATH=path)
    app.open_page()

    app.close()

    assert "vmroot: the page has an error: division by zero" in app.output


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
    "name",
    [
        "_make_hw_list_entry",
        "HW_LIST_TYPE_BOOT",
        "get_xml_to_define",
        "list_nets",
        "get_conn_for_api_arg",
        "_xmleditor",
    ],
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
