/** Every RFC and XEP that Meerkat follows, and how far: the README's table. What a feature implements stands in the feature's own file. */
import { features } from './embedded/catalogue.ts'
import type { Spec } from './embedded/feature.ts'

/** Those that are no feature of the embedded domain: streams, transports, certificates, addresses. */
const foundations = [
  {
    id: 'RFC 4422', title: 'Simple Authentication and Security Layer (SASL)', status: 'complete',
    note: 'as RFC 6120 profiles it, with EXTERNAL (appendix A)',
  },
  {
    id: 'RFC 4514', title: 'LDAP: String Representation of Distinguished Names', status: 'partial',
    note: 'written only, to show the names in a certificate; nothing is decided by them',
  },
  { id: 'RFC 4616', title: 'SASL PLAIN', status: 'complete', note: 'only over TLS, and only where it is configured' },
  {
    id: 'RFC 5280', title: 'X.509 certificates and CRLs', status: 'partial',
    note: 'paths and complete revocation lists, by OpenSSL and by a validator of our own that refuses what it does not apply: name constraints, policies, delta lists',
  },
  { id: 'RFC 5802', title: 'SCRAM', status: 'complete', note: 'SCRAM-SHA-1 and SCRAM-SHA-1-PLUS; the latter where TLS ends at this server' },
  { id: 'RFC 5892', title: 'IDNA: code points', status: 'complete', note: 'for domainparts, together with RFC 5890, 5891, 5893 (right-to-left) and 5895 (mapping)' },
  { id: 'RFC 5929', title: 'Channel Bindings for TLS', status: 'partial', note: 'tls-server-end-point; tls-unique is not offered' },
  {
    id: 'RFC 6120', title: 'XMPP: Core', status: 'partial',
    note: 'streams, SASL, resource binding, stanzas and all their errors, for clients over TCP, WebSocket and BOSH; other servers are not reached',
  },
  {
    id: 'RFC 6121', title: 'XMPP: Instant Messaging and Presence', status: 'partial',
    note: 'rosters, subscriptions, presence, delivery and messages for those who are away, among the domains of one gateway; other servers are not reached',
  },
  { id: 'RFC 6415', title: 'Web Host Metadata', status: 'complete', note: '`/.well-known/host-meta` and `host-meta.json`, with the links of XEP-0156' },
  { id: 'RFC 6454', title: 'The Web Origin Concept', status: 'complete', note: 'an allow-list for the pages that may connect' },
  { id: 'RFC 6455', title: 'The WebSocket Protocol', status: 'complete', note: 'by the package `ws`' },
  { id: 'RFC 7239', title: 'Forwarded HTTP Extension', status: 'partial', note: 'read from trusted proxies: `for` and `proto`' },
  { id: 'RFC 7292', title: 'PKCS #12', status: 'partial', note: 'written for browsers, never read' },
  { id: 'RFC 7301', title: 'TLS Application-Layer Protocol Negotiation (ALPN)', status: 'complete', note: '`http/1.1` for HTTPS, `xmpp-client` for direct TLS' },
  { id: 'RFC 7395', title: 'XMPP over WebSocket', status: 'complete', note: '`see-other-uri` when the gateway stops, where it is configured' },
  { id: 'RFC 7622', title: 'XMPP addresses', status: 'complete' },
  { id: 'RFC 7677', title: 'SCRAM-SHA-256', status: 'complete', note: 'and SCRAM-SHA-512 after its pattern, each with -PLUS' },
  { id: 'RFC 8264', title: 'PRECIS: internationalised strings', status: 'complete' },
  { id: 'RFC 8265', title: 'PRECIS: user names and passwords', status: 'partial', note: 'UsernameCaseMapped and OpaqueString, the profiles that RFC 7622 asks for' },
  { id: 'RFC 8446', title: 'TLS 1.3', status: 'complete', note: 'by OpenSSL, as TLS 1.2; sessions are not resumed where certificates are asked for' },
  { id: 'RFC 9266', title: 'Channel Bindings for TLS 1.3', status: 'complete', note: 'tls-exporter; not over BOSH, where one login may come over several connections' },
  { id: 'RFC 9440', title: 'Client-Cert HTTP Header Field', status: 'complete', note: 'as the server behind the proxy' },
  { id: 'XEP-0156', title: 'Discovering Alternative XMPP Connection Methods', status: 'complete', version: '1.4.0', note: 'XRD and JRD, readable by every web page' },
  {
    id: 'XEP-0178', title: 'Best Practices for Use of SASL EXTERNAL with Certificates', status: 'partial', version: '1.2',
    note: 'clients (§2) entirely; servers (§3) not',
  },
  {
    id: 'XEP-0124', version: '1.11.2', title: 'Bidirectional-streams Over Synchronous HTTP (BOSH)', status: 'complete',
    note: 'several streams in one session (§16) and script syntax excepted; what is decided otherwise is listed below',
  },
  {
    id: 'XEP-0206', version: '1.4', title: 'XMPP Over BOSH', status: 'complete',
    note: 'what waits for a client that never comes back is lost where the client does not use XEP-0198',
  },
  { id: 'XEP-0368', version: '1.1.0', title: 'SRV records for XMPP over TLS', status: 'partial', note: 'direct TLS with ALPN, for clients; SRV records are the operator\'s' },
  {
    id: 'XEP-0198', version: '1.6.3', title: 'Stream Management', status: 'complete',
    note: 'sessions are resumed across transports; SASL2 and Bind 2 (§9) are not there',
  },
  { id: 'XEP-0203', version: '2.0', title: 'Delayed Delivery', status: 'complete', note: 'on messages that were kept, and on those that go on to another client; a client that claims it of this server is not believed' },
  { id: 'XEP-0352', version: '1.0.0', title: 'Client State Indication', status: 'complete', note: 'presence is held back, and nothing else' },
  { id: 'XEP-0440', version: '1.0.0', title: 'SASL Channel-Binding Type Capability', status: 'complete' },
  { id: 'XEP-0474', version: '0.5.0', title: 'SASL SCRAM Downgrade Protection', status: 'complete' },
  { id: 'XEP-0478', version: '0.2.0', title: 'Stream Limits Advertisement', status: 'complete', note: 'over BOSH the limit is that of the request, less 1 KiB for its `<body/>`' },
] as const satisfies readonly Spec[]

export const protocols: readonly Spec[] = [...foundations, ...features.flatMap(({ specs }): readonly Spec[] => specs)]
