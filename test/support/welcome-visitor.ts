/** Visitors of the welcome page as values, for its tests. */

import { type Visit, visitorReport } from '../../plugins/welcome/visitor-report.ts'
import type { ProspectHost } from '../../plugins/welcome/prospect.ts'
import type { Judgement } from '../../src/auth/backend.ts'
import { pki } from '../../src/auth/backends/pki.ts'
import type { ExternalMode } from '../../src/auth/certificate-mapping.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import type { MechanismKey } from '../../src/sasl/catalogue.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { passwordLogin } from './password-login.ts'
import { certificateWith } from './external-certificate.ts'

export const day = 86_400_000
export const now = Date.UTC(2026, 10, 23, 12)

interface HostOptions {
  readonly modes?: readonly ExternalMode[]
  readonly mechanisms?: readonly MechanismKey[]
  readonly judge?: () => Judgement
}

export function hostNamed(name: string, { modes = ['standard'], mechanisms = ['external'], judge }: HostOptions = {}): ProspectHost {
  const domain = parseDomainpart(name)
  if (domain === null) throw new Error(`not a domain: ${name}`)
  const backend = judge === undefined ? pki : { ...pki, verify: judge }
  const backends = new BackendDispatch({ backends: [backend], timeoutMilliseconds: 1_000, clock: systemClock, log: silentLog })
  const external = { modes, commonName: { prefix: '', suffix: '' } }
  return { name: domain, mechanisms, saslContext: peer => ({ ...peer, ...passwordLogin(), domain, external, backends }) }
}

export const exampleNet = hostNamed('example.net')

type Facts = Partial<Omit<Certificate, 'xmppAddrs'>> & { readonly xmppAddrs?: readonly string[] }

export function certificateOf({ xmppAddrs = [], commonNames = [], ...facts }: Facts): Certificate {
  return { ...certificateWith({ xmppAddrs, commonNames }), ...facts }
}

export const accepted = (facts: Facts): CertificateVerdict => ({ kind: 'accepted', certificate: certificateOf(facts) })

export const expired: CertificateVerdict = {
  kind: 'refused', reason: 'expired', text: 'The certificate expired on some day. Ask for a new one.',
  certificate: certificateOf({ xmppAddrs: ['alice@example.net'], notAfter: now - 3 * day }),
}

export const reportOf = ({ verdict, ...visit }: Partial<Visit> & { readonly verdict: CertificateVerdict }) => visitorReport({
  software: { name: 'Meerkat', version: '1.2.3' }, now, address: '192.0.2.7', tlsVersion: 'TLSv1.3', requestedHost: 'gate.example.net:5285',
  verifyMode: 'peer', websocketPath: '/xmpp-websocket', boshPath: '/http-bind', hosts: [exampleNet], certificate: () => verdict, ...visit,
})
