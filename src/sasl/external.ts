/** SASL EXTERNAL over a TLS client certificate (RFC 4422 appendix A, XEP-0178 §2). */

import { couldMap, mapCertificate } from '../auth/certificate-mapping.ts'
import type { Mapping } from '../auth/certificate-mapping.ts'
import type { Authentication } from '../auth/dispatch.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'
import { readAuthzid } from './authzid.ts'
import type { Mechanism, SaslContext, SaslFailure, SaslStep } from './mechanism.ts'
import { oneResponse } from './one-response.ts'

export const external = {
  name: 'EXTERNAL',
  key: 'external',
  yields: 'certificate',

  offered(context) {
    if (!context.backends.accepts('certificate')) return false
    const verdict = context.certificate()
    return verdict.kind === 'accepted' && isMappable(context, verdict.certificate)
  },

  begin: context => oneResponse(response => decide(context, response)),
} as const satisfies Mechanism

function decide(context: SaslContext, response: Uint8Array): SaslStep | Promise<SaslStep> {
  const verdict = context.certificate()
  if (verdict.kind !== 'accepted') return unusable(context, verdict)
  const { certificate } = verdict
  const reading = readAuthzid(response, context.domain)
  if (!reading.ok) return told(reading)
  const mapping = mapCertificate({ ...context.external, certificate, host: context.domain, authzid: reading.authzid })
  return mapping instanceof Promise ? mapping.then(late => judge(context, certificate, late)) : judge(context, certificate, mapping)
}

function judge(context: SaslContext, certificate: Certificate, mapping: Mapping): SaslStep | Promise<SaslStep> {
  if (!mapping.ok) return told(mapping)
  const { user } = mapping
  const conclude = (authentication: Authentication): SaslStep => {
    // What a backend says stays in the log: it may tell whether an account exists.
    // The name is the certificate's, or was chosen with it.
    if (!authentication.ok) return { kind: 'failure', condition: authentication.condition, reason: authentication.reason, account: user }
    const proof = { fingerprint256: certificate.fingerprint256, notAfter: certificate.notAfter }
    const principal = { account: user, domain: context.domain, mechanism: external.name, certificate: proof }
    return { kind: 'success', principal, backend: authentication.backend, data: null }
  }
  const authentication = context.backends.verify({ kind: 'certificate', user, certificate }, context.domain)
  return authentication instanceof Promise ? authentication.then(conclude) : conclude(authentication)
}

/** A client tries EXTERNAL though it was not offered. */
function unusable(context: SaslContext, verdict: Exclude<CertificateVerdict, { kind: 'accepted' }>): SaslFailure {
  if (verdict.kind === 'none') {
    return told({ condition: 'not-authorized', reason: 'No client certificate came with this connection.' })
  }
  const { reason, text, certificate } = verdict
  // Only where the date is all that is wrong.
  const isOnlyLate = reason === 'expired' && certificate !== null
    && context.backends.accepts('certificate') && isMappable(context, certificate)
  const condition = isOnlyLate ? 'credentials-expired' : 'not-authorized'
  return { kind: 'failure', condition, reason: `certificate refused: ${reason}`, text }
}

const isMappable = ({ external: mapping, domain }: SaslContext, certificate: Certificate): boolean =>
  couldMap({ ...mapping, certificate, host: domain })

const told = ({ condition, reason }: Pick<SaslFailure, 'condition' | 'reason'>): SaslFailure =>
  ({ kind: 'failure', condition, reason, text: reason })
