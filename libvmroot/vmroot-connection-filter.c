/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network filter that binds a guest to an address of IPv6: of those that come with libvirt,
 * none does. It is there as long as any guest is described with it. */

#include "config.h"

#include <libvirt/virterror.h>

#include "vmroot-connection-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

#define IPV6_FILTER_RESOURCE "/org/vmroot/" VMROOT_IPV6_FILTER ".xml"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virNWFilter, virNWFilterFree)

/* libvirt's mock driver knows no filters: there, it is as if it had them all. */
static gboolean
check_ipv4_filter (virConnectPtr connection, GError **error)
{
  g_autoptr (virNWFilter) filter = virNWFilterLookupByName (connection, VMROOT_IPV4_FILTER);

  if (filter != NULL || virGetLastErrorCode () == VIR_ERR_NO_SUPPORT)
    return TRUE;

  vmroot_connection_set_error (error, _ ("Cannot bind the guest to its address"));
  if (virGetLastErrorCode () == VIR_ERR_NO_NWFILTER)
    g_prefix_error (error,
                    _ ("libvirt's network filter %s is missing (on Debian: install "
                       "libvirt-daemon-config-nwfilter). "),
                    VMROOT_IPV4_FILTER);
  return FALSE;
}

static gboolean
define_ipv6_filter (virConnectPtr connection, gboolean *made, GError **error)
{
  g_autoptr (virNWFilter) before = virNWFilterLookupByName (connection, VMROOT_IPV6_FILTER);
  g_autoptr (virNWFilter) filter = NULL;
  g_autoptr (GBytes) xml =
      g_resources_lookup_data (IPV6_FILTER_RESOURCE, G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  if (xml == NULL)
    return FALSE;

  /* Also over one that is there, which may be that of another version of vmroot. */
  filter = virNWFilterDefineXML (connection, g_bytes_get_data (xml, NULL));
  if (filter == NULL)
    {
      g_autofree gchar *what =
          g_strdup_printf (_ ("Cannot define the network filter %s, which binds the guest to its "
                              "address"),
                           VMROOT_IPV6_FILTER);

      vmroot_connection_set_error (error, what);
      return FALSE;
    }

  *made = before == NULL;
  return TRUE;
}

gboolean
vmroot_filter_ensure (VmrootConnection *connection, gboolean ipv6, gboolean *made, GError **error)
{
  virConnectPtr handle = vmroot_connection_get_handle (connection);

  *made = FALSE;
  return ipv6 ? define_ipv6_filter (handle, made, error) : check_ipv4_filter (handle, error);
}

static gboolean
uses_filter (virDomainPtr domain, guint flags)
{
  g_autoptr (VmrootDomain) read = vmroot_connection_read_domain (domain, flags);

  return read != NULL && vmroot_domain_has_filter (read, VMROOT_IPV6_FILTER);
}

/* A guest that runs may have it for as long as it runs only. */
static gboolean
is_used (virConnectPtr connection)
{
  virDomainPtr *domains = NULL;
  const gint n = virConnectListAllDomains (connection, &domains, 0);
  gboolean used = n < 0;

  for (gint i = 0; i < n; i++)
    {
      used =
          used || uses_filter (domains[i], 0) || uses_filter (domains[i], VIR_DOMAIN_XML_INACTIVE);
      virDomainFree (domains[i]);
    }
  free (domains);
  return used;
}

void
vmroot_filter_remove_unused (VmrootConnection *connection)
{
  virConnectPtr handle = vmroot_connection_get_handle (connection);
  g_autoptr (virNWFilter) filter = virNWFilterLookupByName (handle, VMROOT_IPV6_FILTER);

  if (filter != NULL && !is_used (handle) && virNWFilterUndefine (filter) < 0)
    g_debug ("the network filter " VMROOT_IPV6_FILTER " stays: it is in use");
}
