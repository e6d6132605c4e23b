// Which hash a certificate is signed with: what tls-server-end-point hashes the certificate with (RFC 5929 §4.1).
import type { X509Certificate } from 'node:crypto'
import { childrenOf, DerError, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readObjectIdentifier } from './der-value.ts'
import { readCertificateFields } from './certificate-fields.ts'
import { oid } from './object-identifiers.ts'

/** As node:crypto names it. */
export type EndPointHash = 'sha224' | 'sha256' | 'sha384' | 'sha512'

/** RFC 5929 §4.1: SHA-256 takes the place of MD5 and SHA-1. */
const ofSignature: ReadonlyMap<string, EndPointHash> = new Map([
  [oid.md5WithRsa, 'sha256'], [oid.sha1WithRsa, 'sha256'], [oid.sha224WithRsa, 'sha224'], [oid.sha256WithRsa, 'sha256'], [oid.sha384WithRsa, 'sha384'],
  [oid.sha512WithRsa, 'sha512'], [oid.ecdsaWithSha1, 'sha256'], [oid.ecdsaWithSha224, 'sha224'], [oid.ecdsaWithSha256, 'sha256'],
  [oid.ecdsaWithSha384, 'sha384'], [oid.ecdsaWithSha512, 'sha512'],
])

const sha1 = '1.3.14.3.2.26'
const ofHash: ReadonlyMap<string, EndPointHash> = new Map([[sha1, 'sha256'], [oid.sha256, 'sha256'], [oid.sha384, 'sha384'], [oid.sha512, 'sha512']])

/** Null: the signature has no one hash (Ed25519), and the channel binding is not defined. */
export function endPointHashOf({ signatureAlgorithmOid, raw }: Pick<X509Certificate, 'signatureAlgorithmOid' | 'raw'>): EndPointHash | null {
  if (signatureAlgorithmOid !== oid.rsaPss) return ofSignature.get(signatureAlgorithmOid) ?? null
  try {
    return ofPss(childrenOf(readCertificateFields(raw).signatureAlgorithm, tag.sequence)[1])
  } catch (error) {
    // OpenSSL serves certificates that are not quite DER.
    if (error instanceof DerError) return null
    throw error
  }
}

/** RFC 4055 §3.1: `[0]` is the hash of the message, `[1]` the mask, with a hash of its own; both are SHA-1 where they are left out. */
function ofPss(parameters: DerNode | undefined): EndPointHash | null {
  const [hash, mask] = [0, 1].map(number =>
    parameters === undefined ? undefined : childrenOf(parameters, tag.sequence).find(field => tagOf(field) === tag.constructedContext(number)))
  const nameOf = (algorithm: DerNode | undefined): string => {
    const [type] = algorithm === undefined ? [] : childrenOf(algorithm, tag.sequence)
    return type === undefined ? sha1 : readObjectIdentifier(type)
  }
  const name = nameOf(hash === undefined ? undefined : childrenOf(hash, tag.constructedContext(0))[0])
  const maskAlgorithm = mask === undefined ? undefined : childrenOf(mask, tag.constructedContext(1))[0]
  const maskName = nameOf(maskAlgorithm === undefined ? undefined : childrenOf(maskAlgorithm, tag.sequence)[1])
  return name === maskName ? ofHash.get(name) ?? null : null
}
