/**
 * Every log event there is: when it is told, how loudly, and with which fields. The README's table is written from this, and a test holds it
 * against the code. `audit` marks those that together tell of everybody who got in or was refused.
 */

export interface EventDescription {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'debug or info'
  readonly when: string
  readonly fields: readonly FieldName[]
  readonly audit?: true
}

/** What a field means, wherever it stands. */
export const fieldMeanings = {
  account: 'a bare JID that exists, or was proved',
  address: 'IP address of the client, or of the proxy where it is about that',
  backend: 'of `auth.methods`',
  cause: 'the error beneath, or its words',
  condition: 'the condition that the client heard',
  consequence: 'what follows from it, in words',
  disconnected: 'whether the connection was ended',
  domain: 'a served domain',
  error: 'the error with its stack',
  ns: 'the namespace of a request',
  file: 'path of a file',
  fingerprint: 'SHA-256 of the certificate that was shown, in hexadecimal',
  gone: 'true where the stream was over before it was decided: the client heard nothing of it',
  host: 'a served domain, or the server of a database',
  ip: 'address of a listener',
  jid: 'the account or, once a resource is bound, the full JID',
  issuer: 'the CA of a revocation list',
  key: 'a key of the configuration',
  limit: 'the limit that the client ran into, by its key',
  listeners: 'what each of them uses now: fingerprints and dates',
  mechanism: 'of SASL; null before one had begun',
  milliseconds: 'how long',
  mistakes: 'in words, one for each',
  module: 'of `auth.sasl_external`',
  nextUpdate: 'when it was due',
  origin: 'what the browser says of the page',
  path: 'of the HTTP route',
  phase: 'how far the stream had come',
  port: 'of a listener, or of a database',
  problem: 'what went wrong, in words',
  reason: 'why, in words or as one of a few',
  retryAt: 'when it is tried again by itself; null where only a change of the files helps',
  sessions: 'how many there were',
  signal: 'by which the process was told',
  socket: 'path of a Unix socket',
  source: '`direct`: shown in the TLS handshake; `forwarded`: by a proxy',
  status: 'of HTTP',
  subject: 'of the certificate',
  text: 'the words for the person concerned',
  tls: 'whether the listener speaks TLS',
  transport: '`websocket`, `bosh` or `tcp`',
} as const
export type FieldName = keyof typeof fieldMeanings

export const events = {
  'auth.success': {
    level: 'info', audit: true, when: 'somebody proved who he is', fields: ['account', 'mechanism', 'backend', 'transport', 'address', 'fingerprint', 'gone'],
  },
  'auth.failure': {
    level: 'info', audit: true, when: 'an attempt to log in was refused',
    fields: ['account', 'mechanism', 'condition', 'reason', 'transport', 'address', 'fingerprint', 'gone'],
  },
  'auth.throttled': {
    level: 'warn', when: 'after so many wrong passwords the next attempt has to wait', fields: ['limit', 'address', 'milliseconds', 'account'],
  },
  'auth.account_unreadable': { level: 'error', when: 'what is kept of a password cannot be read', fields: ['backend', 'account', 'problem'] },
  'auth.backend_answered': { level: 'debug', when: 'a backend that had to be waited for gave an answer', fields: ['backend', 'milliseconds'] },
  'auth.backend_unreachable': { level: 'error', when: 'a backend gave no answer', fields: ['backend', 'domain', 'cause'] },
  'auth.backend_not_closed': { level: 'warn', when: 'a backend could not let go of its connections', fields: ['backend', 'cause'] },
  'auth.database_connection_lost': { level: 'warn', when: 'a connection to a database broke', fields: ['host', 'port', 'problem'] },
  'auth.decoy_secret_not_kept': { level: 'warn', when: 'the secret behind decoys could not be kept', fields: ['file', 'consequence', 'cause'] },
  'auth.mapping_module_failed': { level: 'error', when: 'a custom mapping function failed', fields: ['module', 'host', 'problem', 'cause'] },
  'bosh.refused': { level: 'info', when: 'a request to the BOSH endpoint was refused', fields: ['status', 'reason', 'address', 'origin', 'limit'] },
  'certificate.accepted': { level: 'debug', when: 'a client showed a certificate that is good', fields: ['source', 'address', 'fingerprint'] },
  'certificate.missing': {
    level: 'info', audit: true, when: 'a client without a certificate was turned away (`require_certificate`)', fields: ['source', 'address', 'disconnected'],
  },
  'certificate.none': { level: 'debug', when: 'a client showed no certificate', fields: ['source', 'address'] },
  'certificate.refused': {
    level: 'info', audit: true, when: 'a client showed a certificate that is not good enough',
    fields: ['source', 'reason', 'text', 'address', 'subject', 'fingerprint', 'disconnected'],
  },
  'configuration.warning': { level: 'warn', when: 'the configuration says what its author should have meant', fields: ['key', 'text'] },
  'connection.refused': { level: 'warn', audit: true, when: 'there were too many connections', fields: ['address', 'limit'] },
  'crl.expired': { level: 'warn', when: 'the next revocation list of a CA is overdue', fields: ['issuer', 'nextUpdate', 'text'] },
  'forwarded.no_address': { level: 'warn', when: 'a proxy does not say whose request it forwards (told once)', fields: ['address'] },
  'forwarded.refused': {
    level: 'info', audit: true, when: 'a request was refused because of what it says, or does not say, on behalf of somebody else',
    fields: ['status', 'reason', 'text', 'address'],
  },
  'http.bug': { level: 'error', when: 'a request ended in an error that is a bug', fields: ['error', 'path'] },
  'http.refused': { level: 'info', when: 'what came was not HTTP, or too slow', fields: ['status', 'reason', 'address'] },
  'listener.open': { level: 'info', when: 'a listener is there', fields: ['ip', 'port', 'socket', 'tls'] },
  'process.bug': { level: 'error', when: 'an error that nothing caught', fields: ['error'] },
  'process.reload': { level: 'info', when: 'the process was told to read certificates anew (SIGHUP)', fields: ['text'] },
  'process.stopped': { level: 'info', when: 'the process ends', fields: [] },
  'process.stopping': { level: 'info', when: 'the process was told to stop', fields: ['signal', 'sessions'] },
  'session.bound': { level: 'info', audit: true, when: 'a client bound a resource', fields: ['jid', 'mechanism', 'transport', 'fingerprint'] },
  'request.failed': { level: 'error', when: 'a request could not be answered: the store failed, or it is a bug', fields: ['ns', 'error'] },
  'session.bug': { level: 'error', when: 'what a session does by itself ended in an error that is a bug', fields: ['jid', 'error'] },
  'session.certificate_lost': {
    level: 'info', audit: true, when: 'the certificate of a session is not good any more', fields: ['jid', 'fingerprint', 'reason', 'text'],
  },
  'session.detached': {
    level: 'info', when: 'a session lost its stream, and waits for its client', fields: ['jid', 'reason', 'transport'],
  },
  'session.queue_full': { level: 'info', when: 'a client acknowledged too little of what it was sent: its session ends', fields: ['jid', 'limit', 'transport'] },
  'session.resumed': {
    level: 'info', audit: true, when: 'a client took up its session again', fields: ['jid', 'mechanism', 'transport', 'address', 'fingerprint'],
  },
  'session.not_resumed': {
    level: 'info', audit: true, when: 'somebody who had logged in could not take up a session',
    fields: ['account', 'condition', 'reason', 'transport', 'address'],
  },
  'session.ended': { level: 'info', audit: true, when: 'a session is over', fields: ['jid', 'reason', 'transport'] },
  'session.refused': {
    level: 'info', audit: true, when: 'somebody who had logged in could not bind a resource',
    fields: ['account', 'condition', 'reason', 'transport', 'address', 'limit'],
  },
  'session.slowed': { level: 'debug', when: 'a client that sends too fast is not read from for a while', fields: ['milliseconds', 'address', 'limit'] },
  'starttls.refused': { level: 'info', when: 'a client asked for STARTTLS where there is none', fields: ['address', 'transport'] },
  'store.failed': { level: 'error', when: 'what an account has could not be read or kept', fields: ['account', 'error'] },
  'store.unreachable': { level: 'error', when: 'the database of the store did not answer at the start', fields: ['error'] },
  'stream.bug': { level: 'error', when: 'a stream ended by an error that is a bug', fields: ['error', 'address', 'transport', 'jid'] },
  'stream.error': {
    level: 'info', when: 'a stream ended with a stream error', fields: ['condition', 'text', 'phase', 'limit', 'address', 'transport', 'jid'],
  },
  'stream.lost': {
    level: 'debug or info', when: 'a connection went away without a goodbye (info where it was cut)',
    fields: ['address', 'transport', 'phase', 'cause', 'limit'],
  },
  'tls.reload_bug': { level: 'error', when: 'reading certificates anew ended in an error that is a bug', fields: ['error'] },
  'tls.reload_refused': {
    level: 'error', when: 'new certificates, keys, CAs or revocation lists are not sound: the old ones stay', fields: ['mistakes', 'retryAt', 'text'],
  },
  'tls.reloaded': { level: 'info', when: 'new certificates, keys, CAs and revocation lists are in use', fields: ['listeners'] },
  'tls.failed': { level: 'debug', when: 'a TLS handshake failed', fields: ['cause'] },
  'websocket.refused': { level: 'info', when: 'a request to the WebSocket endpoint was refused', fields: ['status', 'reason', 'address', 'origin'] },
} as const satisfies Readonly<Record<string, EventDescription>>

export type EventName = keyof typeof events
