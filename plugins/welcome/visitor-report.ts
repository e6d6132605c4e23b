/** What this server sees of a visitor, and what would come of a log-in: the facts behind every form of the welcome page. */
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { CertificateVerdict, VerifyMode } from '../../src/x509/verdict.ts'
import { type Prospect, prospectAt, type ProspectHost } from './prospect.ts'
import { type ShownCertificate, shownCertificate } from './shown-certificate.ts'
import { type Summary, summaryOf } from './summary.ts'
import { visible } from './visible.ts'

export interface Visit {
  readonly software: { readonly name: string, readonly version: string }
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly address: string
  /** As Node names it, such as `TLSv1.3`; null on plain HTTP. */
  readonly tlsVersion: string | null
  /** `host[:port]` as the visitor spelt it; null where it is unusable. */
  readonly requestedHost: string | null
  readonly verifyMode: VerifyMode
  readonly websocketPath: string | null
  readonly boshPath: string | null
  readonly certificate: () => CertificateVerdict
  readonly hosts: readonly ProspectHost[]
}

export interface VisitorReport {
  readonly software: { readonly name: string, readonly version: string }
  /** ISO 8601. */
  readonly time: string
  readonly connection: { readonly address: string, readonly tlsVersion: string | null }
  readonly summary: Summary
  readonly verdict: { readonly kind: CertificateVerdict['kind'], readonly reason: string | null, readonly text: string | null }
  readonly certificate: ShownCertificate | null
  readonly logins: readonly Prospect[]
  readonly listener: {
    readonly verifyMode: VerifyMode
    readonly requestedHost: string | null
    readonly websocketPath: string | null
    /** URLs; paths where the visitor's spelling of the host is unusable. */
    readonly endpoints: { readonly websocket: string | null, readonly bosh: string | null, readonly discovery: string, readonly module: string }
  }
}

export async function visitorReport(visit: Visit): Promise<VisitorReport> {
  const { now, tlsVersion, requestedHost, verifyMode, websocketPath, boshPath, hosts } = visit
  // Once for the whole report, so that its parts agree.
  const verdict = visit.certificate()
  const peer = { remoteAddress: visit.address, secure: tlsVersion !== null, certificate: () => verdict, channelBindings: () => noChannelBindings }
  const logins = await Promise.all(hosts.map(host => prospectAt(host, peer)))
  const shown = verdict.kind === 'none' || verdict.certificate === null ? null : shownCertificate(verdict.certificate, now)
  const url = (scheme: 'http' | 'ws', path: string) =>
    requestedHost === null ? path : `${scheme}${tlsVersion === null ? '' : 's'}://${requestedHost}${path}`
  return {
    software: visit.software,
    time: new Date(now).toISOString(),
    connection: { address: visit.address, tlsVersion },
    summary: summaryOf({ verdict, certificate: shown, logins, verifyMode, isTls: tlsVersion !== null }),
    verdict: {
      kind: verdict.kind,
      reason: verdict.kind === 'refused' ? verdict.reason : null,
      text: verdict.kind === 'refused' ? visible(verdict.text) : null,
    },
    certificate: shown,
    logins,
    listener: {
      verifyMode,
      requestedHost,
      websocketPath,
      endpoints: {
        websocket: websocketPath === null ? null : url('ws', websocketPath),
        bosh: boshPath === null ? null : url('http', boshPath),
        discovery: url('http', '/.well-known/host-meta.json'),
        module: url('http', '/meerkat.js'),
      },
    },
  }
}
