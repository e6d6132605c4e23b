/** A certificate as it is shown to its holder: words and dates for people, every name made visible. */
import type { Certificate } from '../../src/x509/certificate.ts'
import type { KeyKind } from '../../src/x509/key-strength.ts'
import { visible } from './visible.ts'

export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  /** As many as are shown; `furtherAddresses` counts the rest. */
  readonly xmppAddrs: readonly string[]
  readonly furtherAddresses: number
  readonly commonNames: readonly string[]
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
  /** In words: how long it is still valid, or why it is not. */
  readonly validity: string
  /** Whole days until notAfter, rounded down: negative when it has passed. */
  readonly daysLeft: number
  /** SHA-256, in upper-case hexadecimal with colons, as browsers and openssl print it. */
  readonly fingerprint256: string
  readonly serialNumber: string
  readonly key: string
}

/** A certificate may hold hundreds of names; a person has a few. */
export const maxShown = 20

const dayMilliseconds = 86_400_000
const keyNames = {
  ec: 'EC', rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ed25519: 'Ed25519', ed448: 'Ed448', other: 'unknown kind',
} as const satisfies Record<KeyKind, string>

/** `now` in milliseconds. */
export function shownCertificate(certificate: Certificate, now: number): ShownCertificate {
  const { xmppAddrs, commonNames, notBefore, notAfter, keyKind, keyBits } = certificate
  return {
    subject: visible(certificate.subject),
    issuer: visible(certificate.issuer),
    xmppAddrs: xmppAddrs.slice(0, maxShown).map(visible),
    furtherAddresses: Math.max(0, xmppAddrs.length - maxShown),
    commonNames: commonNames.slice(0, maxShown).map(visible),
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    validity: validityWords(notBefore, notAfter, now),
    daysLeft: Math.floor((notAfter - now) / dayMilliseconds),
    fingerprint256: certificate.fingerprint256.toUpperCase().match(/../g)?.join(':') ?? '',
    serialNumber: visible(certificate.serialNumber),
    key: `${keyNames[keyKind]}${keyBits > 0 ? `, ${keyBits} bits` : ''}`,
  }
}

function validityWords(notBefore: number, notAfter: number, now: number): string {
  if (now < notBefore) return `not valid yet: it starts in ${span(notBefore - now)}`
  if (now > notAfter) return `expired ${span(now - notAfter)} ago`
  return `${span(notAfter - now)} left`
}

function span(milliseconds: number): string {
  const days = Math.floor(milliseconds / dayMilliseconds)
  if (days === 0) return 'less than a day'
  return days === 1 ? '1 day' : `${days.toLocaleString('en')} days`
}
