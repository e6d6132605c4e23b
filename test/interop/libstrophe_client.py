# One user at Debian's libstrophe (C), called from Python: logs in, says something to somebody, hears the answer, leaves. Told as JSON, one line each.
import ctypes
import json
import sys

wanted = json.loads(sys.argv[1])
strophe = ctypes.CDLL('libstrophe.so.0')
MANDATORY_TLS, LEGACY_SSL, DISABLE_SM = 1 << 1, 1 << 2, 1 << 5
CONNECT, DISCONNECT = 0, 2
pointer, text = ctypes.c_void_p, ctypes.c_char_p
on_connection = ctypes.CFUNCTYPE(None, pointer, ctypes.c_int, ctypes.c_int, pointer, pointer)
on_stanza = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, pointer)
for name, result, arguments in (
        ('xmpp_ctx_new', pointer, [pointer, pointer]), ('xmpp_conn_new', pointer, [pointer]), ('xmpp_conn_set_flags', ctypes.c_int, [pointer, ctypes.c_long]),
        ('xmpp_conn_set_jid', None, [pointer, text]), ('xmpp_conn_set_pass', None, [pointer, text]), ('xmpp_conn_set_cafile', None, [pointer, text]),
        ('xmpp_conn_set_client_cert', None, [pointer, text, text]), ('xmpp_conn_get_bound_jid', text, [pointer]), ('xmpp_conn_is_secured', ctypes.c_int, [pointer]),
        ('xmpp_connect_client', ctypes.c_int, [pointer, text, ctypes.c_ushort, on_connection, pointer]), ('xmpp_disconnect', None, [pointer]),
        ('xmpp_handler_add', None, [pointer, on_stanza, text, text, text, pointer]), ('xmpp_send_raw', None, [pointer, text, ctypes.c_size_t]),
        ('xmpp_message_get_body', text, [pointer]), ('xmpp_stanza_get_from', text, [pointer]), ('xmpp_stanza_get_id', text, [pointer]),
        ('xmpp_run', None, [pointer]), ('xmpp_stop', None, [pointer])):
    function = getattr(strophe, name)
    function.restype, function.argtypes = result, arguments


def tell(**what):
    print(json.dumps(what), flush=True)


def send(xml):
    data = xml.encode()
    strophe.xmpp_send_raw(connection, data, len(data))


@on_stanza
def pong(_connection, stanza, _data):
    if strophe.xmpp_stanza_get_id(stanza) == b'ping':
        tell(pong=True)
        send("<message to='%s' type='chat'><body>%s</body></message>" % (wanted['to'], wanted['say']))
    return 1


@on_stanza
def hear(_connection, stanza, _data):
    tell(heard=strophe.xmpp_message_get_body(stanza).decode(), sender=strophe.xmpp_stanza_get_from(stanza).decode())
    strophe.xmpp_disconnect(connection)
    return 1


@on_connection
def connected(_connection, event, error, _stream_error, _data):
    if event == CONNECT:
        tell(jid=strophe.xmpp_conn_get_bound_jid(connection).decode(), secured=strophe.xmpp_conn_is_secured(connection) == 1)
        strophe.xmpp_handler_add(connection, pong, None, b'iq', None, None)
        strophe.xmpp_handler_add(connection, hear, None, b'message', None, None)
        send("<presence/><iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    else:
        tell(**({'end': True} if event == DISCONNECT and error == 0 else {'failed': error}))
        strophe.xmpp_stop(context)


strophe.xmpp_initialize()
context = strophe.xmpp_ctx_new(None, None)
connection = strophe.xmpp_conn_new(context)
strophe.xmpp_conn_set_flags(connection, (LEGACY_SSL if wanted['direct'] else MANDATORY_TLS) | DISABLE_SM)
strophe.xmpp_conn_set_jid(connection, wanted['jid'].encode())
strophe.xmpp_conn_set_cafile(connection, wanted['ca'].encode())
if 'password' in wanted:
    strophe.xmpp_conn_set_pass(connection, wanted['password'].encode())
if 'cert' in wanted:
    strophe.xmpp_conn_set_client_cert(connection, wanted['cert'].encode(), wanted['key'].encode())
if strophe.xmpp_connect_client(connection, b'127.0.0.1', wanted['port'], connected, None) == 0:
    strophe.xmpp_run(context)
else:
    tell(failed='connect')
