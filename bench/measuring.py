# SPDX-License-Identifier: GPL-2.0-or-later
"""What the measurements have in common: the build that is measured, where it is installed, and how rows are shown."""

import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent


class Missing(Exception):
    """Something that a row needs."""


def run(*argv, **arguments):
    """A program's standard output; its errors are shown only if it fails."""
    arguments.setdefault('stdin', subprocess.DEVNULL)
    done = subprocess.run([str(a) for a in argv], check=False, capture_output=True, **arguments)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(map(str, argv))}: {done.stderr.decode(errors="replace")}')
    return done.stdout


def make_build(directory, *targets):
    """A release build: that is what is installed."""
    print('building', file=sys.stderr)
    run('meson', 'setup', '--buildtype=release', '--prefix=/usr', '-Dintrospection=disabled', '-Dman=disabled',
        directory, SOURCE)
    run('ninja', '-C', directory, 'all', *targets)


def install(build):
    """On file systems of which the machine keeps nothing: see private_root."""
    for directory in ('/etc/vmroot', '/etc/libvirt/hooks'):
        shutil.rmtree(directory, ignore_errors=True)
    run('meson', 'install', '-C', build, '--no-rebuild')
    run('ldconfig')
    run('vmroot', 'setup')


def skipped(name, reason):
    print(f'SKIPPED {name}: {reason}', file=sys.stderr, flush=True)


def print_columns(table, left):
    """`left`: the columns of words."""
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    for cells in table:
        print('  '.join(cell.ljust(width) if column in left else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(cells, widths))).rstrip())
