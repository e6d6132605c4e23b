// The algorithms that certificates and revocation lists are signed with (RFC 5280 §4.1.1.2, RFC 4055, RFC 5758, RFC 8410): which keys make
// such signatures, and which of them still prove anything.
import { childrenOf, DerError, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readObjectIdentifier } from './der-value.ts'
import type { KeyKind } from './key-strength.ts'
import { oid } from './object-identifiers.ts'

export interface SignatureAlgorithm {
  /** The kinds of key that make such signatures. */
  readonly keyKinds: readonly KeyKind[]
  /** Its hash is one of SHA-2 with 256 bits or more. RFC 8446 §4.4.2.2 forbids MD5, and advises against SHA-1. */
  readonly isStrong: boolean
}

const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
  ...[oid.md5WithRsa, oid.sha1WithRsa, oid.sha224WithRsa].map(type => [type, { keyKinds: ['rsa'], isStrong: false }] as const),
  ...[oid.sha256WithRsa, oid.sha384WithRsa, oid.sha512WithRsa].map(type => [type, { keyKinds: ['rsa'], isStrong: true }] as const),
  ...[oid.ecdsaWithSha1, oid.ecdsaWithSha224].map(type => [type, { keyKinds: ['ec'], isStrong: false }] as const),
  ...[oid.ecdsaWithSha256, oid.ecdsaWithSha384, oid.ecdsaWithSha512].map(type => [type, { keyKinds: ['ec'], isStrong: true }] as const),
  [oid.ed25519, { keyKinds: ['ed25519'], isStrong: true }],
  [oid.ed448, { keyKinds: ['ed448'], isStrong: true }],
])

const strongHashes: readonly string[] = [oid.sha256, oid.sha384, oid.sha512]

/** Null: one that is not known here. Throws DerError when the node is no AlgorithmIdentifier. */
export function readSignatureAlgorithm(node: DerNode): SignatureAlgorithm | null {
  const [type, parameters] = childrenOf(node, tag.sequence)
  if (type === undefined) throw new DerError('an algorithm without a name')
  const name = readObjectIdentifier(type)
  if (name !== oid.rsaPss) return algorithms.get(name) ?? null
  return { keyKinds: ['rsa', 'rsa-pss'], isStrong: parameters !== undefined && hasStrongHashes(parameters) }
}

/** RFC 4055 §3.1: both hashes are SHA-1 where they are left out. */
function hasStrongHashes(parameters: DerNode): boolean {
  const [hash, mask] = [0, 1].map(number => childrenOf(parameters, tag.sequence).find(field => tagOf(field) === tag.constructedContext(number)))
  if (hash === undefined || mask === undefined) return false
  const [maskHash] = childrenOf(mask, tag.constructedContext(1)).flatMap(algorithm => childrenOf(algorithm, tag.sequence).slice(1))
  const [digest] = childrenOf(hash, tag.constructedContext(0))
  return [digest, maskHash].every(algorithm => algorithm !== undefined && strongHashes.includes(nameOfAlgorithm(algorithm)))
}

function nameOfAlgorithm(node: DerNode): string {
  const [type] = childrenOf(node, tag.sequence)
  return type === undefined ? '' : readObjectIdentifier(type)
}
