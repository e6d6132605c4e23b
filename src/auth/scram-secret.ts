/** What a server keeps of a password (RFC 5802 §3, RFC 7677): enough to check it, not enough to log in with it. */

import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

import { enforceOpaqueString } from '../xmpp/precis.ts'

export const scramHashes = ['sha1', 'sha256', 'sha512'] as const
export type ScramHash = (typeof scramHashes)[number]

/** Bytes of the hash, and so of a key. */
export const keyLength: Readonly<Record<ScramHash, number>> = { sha1: 20, sha256: 32, sha512: 64 }

/** Bytes of the salt of a new password. */
export const saltLength = 16

export interface ScramSecret {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** There is such an account, and nothing of its password for the hash that was asked for. What all hashes of a password share is their count. */
export interface OtherHashes { readonly iterations: number, readonly storedKey?: undefined }

/** Bounds the work that one login can ask for. Far more than any client would do. */
export const maxIterations = 10_000_000

const stretch = promisify(pbkdf2)

/** `password` as `preparePassword` gives it. The stretching is done off the event loop; rejects with a RangeError for more than `maxIterations`. */
export async function deriveScramSecret(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<ScramSecret> {
  if (!Number.isSafeInteger(iterations) || iterations < 1 || iterations > maxIterations) throw new RangeError('an iteration count out of range')
  // RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i), ClientKey := HMAC(SaltedPassword, "Client Key"), StoredKey := H(ClientKey).
  const saltedPassword = await stretch(password, salt, iterations, keyLength[hash], hash)
  const clientKey = createHmac(hash, saltedPassword).update('Client Key').digest()
  return {
    salt, iterations,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, saltedPassword).update('Server Key').digest(),
  }
}

/** Whether it is the password that the secret was made of. `password` as `preparePassword` gives it. */
export async function isPasswordOf(hash: ScramHash, secret: ScramSecret, password: string): Promise<boolean> {
  const { storedKey } = await deriveScramSecret(hash, password, secret.salt, secret.iterations)
  return storedKey.length === secret.storedKey.length && timingSafeEqual(storedKey, secret.storedKey)
}

/** RFC 8265 §4.2 in the place of SASLprep; null for what can be no password, the empty string included. */
export function preparePassword(password: string): string | null { return enforceOpaqueString(password) }
