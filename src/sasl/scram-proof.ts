/** The arithmetic of SCRAM (RFC 5802 §3) on the server's side, and the hash that protects what was advertised (XEP-0474). */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

import { keyLength, maxIterations } from '../auth/scram-secret.ts'
import type { ScramHash, ScramSecret } from '../auth/scram-secret.ts'
import type { Advertised } from './mechanism.ts'

/** Whether the proof was made with the password that the secret is of: ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage), H(ClientKey) = StoredKey. */
export function isProofOf(hash: ScramHash, { storedKey }: ScramSecret, authMessage: string, proof: Uint8Array): boolean {
  if (proof.length !== keyLength[hash]) return false
  const signature = createHmac(hash, storedKey).update(authMessage).digest()
  const clientKey = signature.map((byte, index) => byte ^ (proof[index] ?? 0))
  return sameBytes(createHash(hash).update(clientKey).digest(), storedKey)
}

/** ServerSignature := HMAC(ServerKey, AuthMessage): that the server knows the password too. */
export const serverSignature = (hash: ScramHash, { serverKey }: ScramSecret, authMessage: string): Uint8Array =>
  createHmac(hash, serverKey).update(authMessage).digest()

/** In a time that does not tell how much of them is the same. */
export const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => one.length === other.length && timingSafeEqual(one, other)

/** What a database holds is not taken on trust: a count of a thousand millions would keep clients busy for hours. */
export const isUsable = (hash: ScramHash, { salt, iterations, storedKey, serverKey }: ScramSecret): boolean =>
  salt.length > 0 && Number.isSafeInteger(iterations) && iterations > 0 && iterations <= maxIterations
  && storedKey.length === keyLength[hash] && serverKey.length === keyLength[hash]

/** XEP-0474 §5.1, the attribute `h`. */
export function downgradeHash(hash: ScramHash, { mechanisms, channelBindings }: Advertised): string {
  // Sorted by octets: all of these names are ASCII.
  const lists = [mechanisms, ...channelBindings.length === 0 ? [] : [channelBindings]]
  return createHash(hash).update(lists.map(list => [...list].sort().join('\x1E')).join('\x1F')).digest('base64')
}
