/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "vmroot.h"

G_BEGIN_DECLS

/* Every property of `object`, by its name; enumerations as words, times as ISO 8601. */
JsonObject *json_from_object (GObject *object) G_GNUC_WARN_UNUSED_RESULT;

/* The same of each of `objects`. */
JsonArray *json_from_objects (GPtrArray *objects) G_GNUC_WARN_UNUSED_RESULT;

/* A root with what its lists hold. */
JsonObject *json_from_spec (VmrootSpec *spec) G_GNUC_WARN_UNUSED_RESULT;

/* Prints it on stdout, and frees it. */
void json_print_object (JsonObject *object);
void json_print_array (JsonArray *array);

G_END_DECLS
