/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-nfs-server-private.h"
#include "vmroot-translation-private.h"

/* The words of RFC 5531 (RPC) and RFC 7862 (NFS 4.2), each of 32 bits. */
#define LAST_FRAGMENT 0x80000000u
#define CALL 0
#define REPLY 1
#define RPC_VERSION 2
#define NFS_PROGRAM 100003
#define NFS_VERSION 4
#define PROCEDURE_COMPOUND 1
#define MSG_ACCEPTED 0
#define SUCCESS 0
#define PROG_UNAVAIL 1
#define PROG_MISMATCH 2
#define MINOR_VERSION 2
#define NFS4ERR_MINOR_VERS_MISMATCH 10021

#define REQUEST_ID 0x766d726f

/* In a reply to a call without credentials, whose verifier is empty. */
enum
{
  REPLY_ID,
  REPLY_TYPE,
  REPLY_STATUS,
  REPLY_VERIFIER_FLAVOR,
  REPLY_VERIFIER_LENGTH,
  REPLY_ACCEPT_STATUS,
  REPLY_NFS_STATUS,
  N_REPLY_WORDS,
};

static gboolean
send_call (GOutputStream *output, GCancellable *cancellable, GError **error)
{
  guint32 words[] = {
    0, /* the length of what follows */
    REQUEST_ID,
    CALL,
    RPC_VERSION,
    NFS_PROGRAM,
    NFS_VERSION,
    PROCEDURE_COMPOUND,
    0,
    0, /* credentials: none, of no length */
    0,
    0, /* verifier: the same */
    0, /* the length of the call's tag */
    MINOR_VERSION,
    0, /* operations */
  };

  words[0] = LAST_FRAGMENT | (sizeof words - sizeof *words);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    words[i] = GUINT32_TO_BE (words[i]);

  return g_output_stream_write_all (output, words, sizeof words, NULL, cancellable, error);
}

/* Words that a short reply does not have are zero. */
static gboolean
read_reply (GInputStream *input, guint32 *words, GCancellable *cancellable, GError **error)
{
  guint32 head = 0;
  gsize length = 0;

  if (!g_input_stream_read_all (input, &head, sizeof head, NULL, cancellable, error))
    return FALSE;
  length = MIN (GUINT32_FROM_BE (head) & ~LAST_FRAGMENT, N_REPLY_WORDS * sizeof *words);
  if (!g_input_stream_read_all (input, words, length, NULL, cancellable, error))
    return FALSE;
  for (guint i = 0; i < N_REPLY_WORDS; i++)
    words[i] = GUINT32_FROM_BE (words[i]);

  if (words[REPLY_ID] == REQUEST_ID && words[REPLY_TYPE] == REPLY)
    return TRUE;
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                       _ ("what answers is no NFS server"));
  return FALSE;
}

static gboolean
is_refusal (const guint32 *words)
{
  if (words[REPLY_STATUS] != MSG_ACCEPTED)
    return FALSE;

  return words[REPLY_ACCEPT_STATUS] == PROG_UNAVAIL ||
         words[REPLY_ACCEPT_STATUS] == PROG_MISMATCH ||
         (words[REPLY_ACCEPT_STATUS] == SUCCESS &&
          words[REPLY_NFS_STATUS] == NFS4ERR_MINOR_VERS_MISMATCH);
}

gboolean
vmroot_nfs_server_ask (const gchar *address,
                       guint seconds,
                       gboolean *refuses,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GSocketConnectable) server = g_network_address_new (address, VMROOT_NFS_SERVER_PORT);
  g_autoptr (GSocketClient) client =
      g_object_new (G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, "timeout", seconds, NULL);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, server, cancellable, error);
  GIOStream *stream = G_IO_STREAM (connection);
  guint32 words[N_REPLY_WORDS] = { 0 };

  if (connection == NULL ||
      !send_call (g_io_stream_get_output_stream (stream), cancellable, error) ||
      !read_reply (g_io_stream_get_input_stream (stream), words, cancellable, error))
    return FALSE;

  *refuses = is_refusal (words);
  return TRUE;
}
