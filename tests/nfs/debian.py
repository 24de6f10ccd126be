# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees of Debian, as mmdebstrap makes them."""

import subprocess

import namespaces


def bootstrap(release, packages, tree, *options):
    tree.mkdir(parents=True)
    # Were it interrupted, what it mounted in the tree would be there when the tree is removed.
    subprocess.run(
        namespaces.alone(
            [
                *("mmdebstrap", "--quiet", "--variant=minbase", f'--include={",".join(packages)}'),
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                "--dpkgopt=force-confold",
                "--dpkgopt=force-unsafe-io",
                *options,
                release,
                str(tree),
            ]
        ),
        check=True,
        stdin=subprocess.DEVNULL,
    )
    # It leaves the directory as private as we made it.
    tree.chmod(0o755)
