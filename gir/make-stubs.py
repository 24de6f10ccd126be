#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-stubs.py GIR EXTRA: what type checkers and editors are to know of gi.repository.Vmroot.

Written from the introspection data, so that nothing is missing; EXTRA holds what the override adds
to classes, and is put in their place.
"""

import ast
import sys
import xml.etree.ElementTree as ElementTree

GI = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"

BASIC = {
    "none": "None",
    "gboolean": "bool",
    "utf8": "str",
    "filename": "str",
    **dict.fromkeys(("gint", "guint", "gint64", "guint64", "gsize", "guint32", "gint32"), "int"),
    "gdouble": "float",
    "gpointer": "object",
    "GLib.Quark": "int",
    "Gio.AsyncReadyCallback": "Callable[..., None]",
}


def type_of(node):
    array = node.find(f"{GI}array")
    kind = node.find(f"{GI}type")
    if array is not None:
        inner = type_of(array)
        text = "bytes" if inner == "guint8" else f"list[{inner}]"
    elif kind is None:
        return "None"
    elif kind.get("name") in ("GLib.PtrArray", "GLib.List"):
        text = f"list[{type_of(kind)}]"
    else:
        text = BASIC.get(kind.get("name"), kind.get("name"))
    return f"{text} | None" if node.get("nullable") == "1" else text


def parameters_of(node):
    found = node.findall(f"{GI}parameters/{GI}parameter")
    hidden = {p.get("closure") for p in found} - {None}
    shown = [p for i, p in enumerate(found) if p.get("direction") != "out" and str(i) not in hidden]
    returned = [p for p in found if p.get("direction") == "out"]
    texts = []
    for position, parameter in enumerate(shown):
        # PyGObject leaves out what may be null at the end.
        optional = all(p.get("nullable") == "1" for p in shown[position:])
        texts.append(
            f"{parameter.get('name')}: {type_of(parameter)}" + (" = ..." if optional else "")
        )
    return texts, returned


def function(node, indent, owner=None):
    arguments, returned = parameters_of(node)
    result = [type_of(node.find(f"{GI}return-value")), *map(type_of, returned)]
    if node.tag == f"{GI}constructor":
        result = [owner]
    annotation = result[0] if len(result) == 1 else f"tuple[{', '.join(result)}]"
    lines = []
    if node.tag == f"{GI}method":
        arguments.insert(0, "self")
    elif owner:
        lines.append(f"{indent}@staticmethod")
    lines.append(f"{indent}def {node.get('name')}({', '.join(arguments)}) -> {annotation}: ...")
    return lines


def introspectable(parent, *tags):
    for tag in tags:
        for node in parent.findall(GI + tag):
            if node.get("introspectable") != "0" and node.get("shadowed-by") is None:
                yield node


def enumeration(node):
    lines = [f"class {node.get('name')}(GObject.GEnum):"]
    for member in node.findall(f"{GI}member"):
        lines.append(f"    {member.get('name').upper()}: {node.get('name')}")
    for one in introspectable(node, "function"):
        lines += function(one, "    ", node.get("name"))
    return lines


def class_stub(node, added, overridden):
    lines = [f"class {node.get('name')}(GObject.Object):"]
    lines += added
    for one in introspectable(node, "constructor", "function", "method"):
        if one.get("name") not in overridden:
            lines += function(one, "    ", node.get("name"))
    return lines if len(lines) > 1 else [lines[0] + " ..."]


def additions(path):
    """The head and the lines of each class in EXTRA, and the names of its methods."""
    source = open(path, encoding="utf-8").read()
    lines = source.splitlines()
    return {
        node.name: (
            lines[node.lineno - 1],
            lines[node.lineno : node.end_lineno],
            {one.name for one in node.body if isinstance(one, ast.FunctionDef)},
        )
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


def main(gir, extra):
    namespace = ElementTree.parse(gir).getroot().find(f"{GI}namespace")
    added = additions(extra)
    output = [
        "# SPDX-License-Identifier: LGPL-2.1-or-later",
        "# Written by make-stubs.py.",
        "from collections.abc import Callable, Iterable",
        "",
        "from gi.repository import Gio, GLib, GObject",
        "",
    ]
    for node in introspectable(namespace, "enumeration"):
        output += [*enumeration(node), ""]
    for node in introspectable(namespace, "class"):
        _head, lines, overridden = added.pop(node.get("name"), (None, [], set()))
        output += [*class_stub(node, lines, overridden), ""]
    for head, lines, _methods in added.values():
        output += [head, *lines, ""]
    for node in introspectable(namespace, "function"):
        output += function(node, "")
    print("\n".join(output))


main(*sys.argv[1:])
