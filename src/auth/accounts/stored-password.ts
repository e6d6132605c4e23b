/** How a password stands in MongooseIM's table `users`: its SCRAM serialisation in `pass_details` (also the form of before 3.7), or plain
 * text in `password`. What cannot be read to the last character is no password at all. */

import { keyLength, maxIterations } from '../scram-secret.ts'
import type { ScramHash, ScramSecret } from '../scram-secret.ts'

/** One hash of the password. Those that we do not speak (`sha224`, `sha384`) are kept as they are. */
export type ScramEntry =
  | { readonly hash: ScramHash, readonly secret: ScramSecret }
  | { readonly hash: null, readonly text: string }

export interface ScramPassword { readonly kind: 'scram', readonly iterations: number, readonly entries: readonly ScramEntry[] }

export type StoredPassword = ScramPassword | { readonly kind: 'plain', readonly password: string }

/** A row of the table, as it was found. */
export interface UserRow { readonly password: string, readonly passDetails: string | null }

const legacyPrefix = '==SCRAM==,'
const prefix = '==MULTI_SCRAM==,'
/** All of them are ten characters long, which is why that of SHA-1 has one sign more. */
const labels = [['===SHA1===', 'sha1'], ['==SHA256==', 'sha256'], ['==SHA512==', 'sha512']] as const
const foreignLabel = /^={2,3}[A-Z\d-]{1,20}={2,3}/

/** Five hashes of the longest kind, with room to spare. */
const longest = 8_192
/** Bytes. MongooseIM makes salts of 16. */
const longestSalt = 256

/** Null where the row holds nothing that a password could be checked against. */
export function readUserRow({ password, passDetails }: UserRow): StoredPassword | null {
  if (passDetails !== null) return parseScramPassword(passDetails)
  return password === '' ? null : { kind: 'plain', password }
}

/** Null for what is not well formed, or holds no hash that we speak. */
export function parseScramPassword(text: string): ScramPassword | null {
  if (text.length > longest) return null
  return text.startsWith(prefix) ? parseMulti(text.slice(prefix.length)) : text.startsWith(legacyPrefix) ? parseLegacy(text.slice(legacyPrefix.length)) : null
}

export function serialiseScramPassword({ iterations, entries }: ScramPassword): string {
  return prefix + [String(iterations), ...entries.map(entryText)].join(',')
}

/** `secrets` by hash, all with the same iteration count. */
export function scramPasswordOf(secrets: ReadonlyMap<ScramHash, ScramSecret>): ScramPassword {
  const entries = labels.flatMap(([, hash]) => {
    const secret = secrets.get(hash)
    return secret === undefined ? [] : [{ hash, secret }]
  })
  const counts = new Set(entries.map(({ secret }) => secret.iterations))
  const [iterations] = counts
  if (iterations === undefined || counts.size !== 1) throw new RangeError('the hashes of one password share their iteration count')
  return { kind: 'scram', iterations, entries }
}

export function secretWith(hash: ScramHash, { entries }: ScramPassword): ScramSecret | null {
  for (const entry of entries) if (entry.hash === hash) return entry.secret
  return null
}

/** iterations,LABEL salt|stored key|server key,… */
function parseMulti(text: string): ScramPassword | null {
  const [count = '', ...parts] = text.split(',')
  const iterations = parseCount(count)
  if (iterations === null) return null
  const entries: ScramEntry[] = []
  const seen = new Set<string>()
  for (const part of parts) {
    const [label, hash] = labels.find(([label]) => part.startsWith(label)) ?? [foreignLabel.exec(part)?.[0], null]
    if (label === undefined || seen.has(label)) return null
    seen.add(label)
    if (hash === null) {
      entries.push({ hash, text: part })
      continue
    }
    const [salt = '', storedKey = '', serverKey = '', ...rest] = part.slice(label.length).split('|')
    const secret = rest.length > 0 ? null : secretOf(hash, iterations, salt, storedKey, serverKey)
    if (secret === null) return null
    entries.push({ hash, secret })
  }
  return entries.some(({ hash }) => hash !== null) ? { kind: 'scram', iterations, entries } : null
}

/** stored key,server key,salt,iterations: SHA-1 only. */
function parseLegacy(text: string): ScramPassword | null {
  const [storedKey = '', serverKey = '', salt = '', count = '', ...rest] = text.split(',')
  const iterations = parseCount(count)
  if (iterations === null || rest.length > 0) return null
  const secret = secretOf('sha1', iterations, salt, storedKey, serverKey)
  return secret === null ? null : { kind: 'scram', iterations, entries: [{ hash: 'sha1', secret }] }
}

function parseCount(text: string): number | null {
  const count = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= maxIterations ? count : null
}

function secretOf(hash: ScramHash, iterations: number, ...fields: readonly [salt: string, storedKey: string, serverKey: string]): ScramSecret | null {
  const [salt, storedKey, serverKey] = fields.map(decodeBase64)
  if (!salt || !storedKey || !serverKey || salt.length > longestSalt) return null
  if (storedKey.length !== keyLength[hash] || serverKey.length !== keyLength[hash]) return null
  return { salt, iterations, storedKey, serverKey }
}

/** RFC 4648 §3.3 and §3.5: nothing but the alphabet, padded, and of all spellings only the canonical one. Null also for nothing at all. */
function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? new Uint8Array(bytes) : null
}

function entryText(entry: ScramEntry): string {
  if (entry.hash === null) return entry.text
  const label = labels.find(([, hash]) => hash === entry.hash)?.[0] ?? ''
  const { salt, storedKey, serverKey } = entry.secret
  return label + [salt, storedKey, serverKey].map(bytes => Buffer.from(bytes).toString('base64')).join('|')
}
