/** The one answer that a visitor came for, "does it work, and if not, why not?", in words, with what to do about it. */
import type { CertificateVerdict, RefusalReason, VerifyMode } from '../../src/x509/verdict.ts'
import type { Prospect } from './prospect.ts'
import type { ShownCertificate } from './shown-certificate.ts'
import { visible } from './visible.ts'

export interface Summary {
  readonly tone: 'good' | 'attention' | 'bad' | 'neutral'
  /** Two or three words: the state of the certificate. */
  readonly label: string
  /** A sentence without a full stop. */
  readonly headline: string
  readonly explanation: string
  /** What to do, most likely first. */
  readonly remedies: readonly string[]
}

export interface Findings {
  readonly verdict: CertificateVerdict
  readonly certificate: ShownCertificate | null
  readonly logins: readonly Prospect[]
  readonly verifyMode: VerifyMode
  readonly isTls: boolean
}

/** Days before the end from which it is worth a word. */
const soon = 14

export function summaryOf(findings: Findings): Summary {
  const { verdict } = findings
  switch (verdict.kind) {
    case 'none': return findings.verifyMode === 'none' ? notAskedFor(findings) : noCertificate(findings)
    case 'refused': return {
      tone: 'bad',
      label: `Certificate refused: ${refusalWords[verdict.reason]}`,
      headline: 'Your certificate arrived, and this server does not accept it',
      explanation: visible(verdict.text),
      remedies: ['A browser keeps to the certificate that was chosen: restart it, or use a private window, to choose another one.'],
    }
    case 'accepted': return accepted(findings)
  }
}

const refusalWords = {
  expired: 'expired', 'not-yet-valid': 'not valid yet', untrusted: 'not from a trusted authority', 'self-signed': 'self-signed',
  revoked: 'revoked', 'wrong-purpose': 'not meant for clients', 'unknown-critical-extension': 'unknown critical extension',
  malformed: 'malformed', 'malformed-xmppaddr': 'malformed XMPP address', 'weak-key': 'key too weak', 'not-verified': 'not verified',
} as const satisfies Record<RefusalReason, string>

function notAskedFor({ isTls }: Findings): Summary {
  return {
    tone: 'neutral',
    label: 'Certificate not asked for',
    headline: 'This listener does not ask for certificates',
    explanation: isTls
      ? 'Its verify_mode is "none": whatever certificate you have, this server does not see it here, and SASL EXTERNAL is not offered.'
      : 'It speaks plain HTTP: there is no TLS in which a certificate could be shown, and SASL EXTERNAL is not offered.',
    remedies: ['To log in by certificate, use a listener with TLS, verify_mode = "peer" and a cacertfile.'],
  }
}

function noCertificate({ verifyMode }: Findings): Summary {
  return {
    tone: 'attention',
    label: 'No certificate',
    headline: 'This connection came without a certificate',
    explanation: `This server asked for one (verify_mode = "${verifyMode}") and got none, so a log-in with SASL EXTERNAL is not offered.`,
    remedies: [
      'Import your certificate together with its private key (a .p12 file) in the certificate settings of your browser.',
      'Then restart the browser, or open this page in a private window, and choose the certificate when asked: the answer “none” is '
        + 'remembered until the browser is closed.',
      'Not asked at all? Browsers offer only certificates that an authority of this server issued (cacertfile).',
      'With curl: --cert alice.crt --key alice.key',
    ],
  }
}

function accepted({ certificate, logins }: Findings): Summary {
  const [direct, ...others] = logins.flatMap(({ users }) => users.filter(({ authzid }) => authzid === null))
  const onRequest = logins.flatMap(({ users }) => users.filter(({ authzid }) => authzid !== null))
  const isLate = certificate !== null && certificate.daysLeft < soon
  const label = `Certificate accepted${isLate ? ', ending soon' : ''}`
  const renewal = isLate ? [`Renew the certificate soon: ${certificate.validity}.`] : []
  if (direct !== undefined) {
    return {
      tone: isLate ? 'attention' : 'good',
      label,
      headline: `You log in as ${[direct, ...others].map(({ jid }) => visible(jid)).join(' or ')}`,
      explanation: 'SASL EXTERNAL is offered to you, and no password is needed.',
      remedies: renewal,
    }
  }
  if (onRequest.length > 0) {
    return {
      tone: isLate ? 'attention' : 'good',
      label,
      headline: onRequest.length === 1
        ? `You may log in as ${visible(onRequest[0]?.jid ?? '')}, if your client asks for it`
        : `You may log in as one of ${onRequest.length} users`,
      explanation: 'The certificate has several XMPP addresses, so your client has to say which one it wants to be: set its authorization '
        + `identity (authzid) to ${onRequest.length === 1 ? 'that address' : 'one of those below'}.`,
      remedies: renewal,
    }
  }
  if (logins.some(({ takesAnyName }) => takesAnyName)) {
    return {
      tone: isLate ? 'attention' : 'good',
      label,
      headline: 'You log in under the name that your client asks for',
      explanation: 'The certificate names no user, and this server takes the client\'s word for it (auth_id): your client has to send an '
        + 'authorization identity (authzid) such as alice@example.org.',
      remedies: renewal,
    }
  }
  return {
    tone: 'attention',
    label: 'Certificate accepted, but no user',
    headline: 'Your certificate is good, and it makes you no user of this server',
    explanation: logins.length === 1 ? logins[0]?.obstacle?.text ?? '' : 'Why not is said for each domain below.',
    remedies: [
      `Ask for a certificate with an XMPP address (xmppAddr) of ${logins.length === 1 ? logins[0]?.host ?? '' : 'one of the domains below'}.`,
      ...certificate?.xmppAddrs.length === 0
        ? ['Or the operator lets certificates without one in by their common name: auth.sasl_external = ["standard", "common_name"].'] : [],
    ],
  }
}
