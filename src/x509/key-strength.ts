// How strong a public key is: NIST SP 800-57 part 1 §5.6.1 puts RSA-2048 and the curves from 224 bits at 112 bits of security, the least
// that is still allowed; OpenSSL's security level 2 draws the same line.
import type { KeyObject } from 'node:crypto'

export type KeyKind = 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448' | 'other'
export interface KeyStrength { readonly keyKind: KeyKind, readonly keyBits: number }

/** TLS 1.3's curves (RFC 8446 §4.2.7) by OpenSSL's names, and the Brainpool ones of RFC 8734. */
const curveBits: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 256], ['secp384r1', 384], ['secp521r1', 521],
  ['brainpoolP256r1', 256], ['brainpoolP384r1', 384], ['brainpoolP512r1', 512],
])

export function keyStrengthOf(key: KeyObject): KeyStrength {
  const kind = key.asymmetricKeyType
  const details = key.asymmetricKeyDetails
  switch (kind) {
    case 'rsa': case 'rsa-pss': return { keyKind: kind, keyBits: details?.modulusLength ?? 0 }
    case 'ec': return { keyKind: kind, keyBits: curveBits.get(details?.namedCurve ?? '') ?? 0 }
    case 'ed25519': return { keyKind: kind, keyBits: 256 }
    case 'ed448': return { keyKind: kind, keyBits: 456 }
    default: return { keyKind: 'other', keyBits: 0 }
  }
}

export function isStrongEnough({ keyKind, keyBits }: KeyStrength): boolean {
  return keyKind === 'rsa' || keyKind === 'rsa-pss' ? keyBits >= 2048 : keyBits >= 256
}
