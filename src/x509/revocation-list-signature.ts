// The signature of a revocation list (RFC 5280 §5.1.1.3), which OpenSSL makes no use of through Node.js: checked with node:crypto.
import { constants, verify } from 'node:crypto'
import type { KeyObject, SignKeyObjectInput, VerifyKeyObjectInput } from 'node:crypto'
import { childrenOf, DerError, tag } from './der.ts'
import type { DerNode } from './der.ts'
import { readObjectIdentifier } from './der-value.ts'
import { keyStrengthOf } from './key-strength.ts'
import { oid } from './object-identifiers.ts'
import { readSignatureAlgorithm } from './signature-algorithm.ts'
import type { SignatureAlgorithm } from './signature-algorithm.ts'

/** By name of the algorithm; null where it has its own hash. */
const digests: ReadonlyMap<string, string | null> = new Map([
  [oid.sha256WithRsa, 'sha256'], [oid.sha384WithRsa, 'sha384'], [oid.sha512WithRsa, 'sha512'],
  [oid.ecdsaWithSha256, 'sha256'], [oid.ecdsaWithSha384, 'sha384'], [oid.ecdsaWithSha512, 'sha512'],
  [oid.sha256, 'sha256'], [oid.sha384, 'sha384'], [oid.sha512, 'sha512'],
  [oid.ed25519, null], [oid.ed448, null],
])

export class ListSignature {
  readonly #signed: Uint8Array
  readonly #signature: Uint8Array
  readonly #algorithm: SignatureAlgorithm
  readonly #digest: string | null
  readonly #isPss: boolean

  /** `algorithm`: an AlgorithmIdentifier. Throws DerError for one that is not known, or too weak to prove anything. */
  constructor(algorithm: DerNode, signed: Uint8Array, signature: Uint8Array) {
    const known = readSignatureAlgorithm(algorithm)
    const [type, parameters] = childrenOf(algorithm, tag.sequence)
    const name = type === undefined ? '' : readObjectIdentifier(type)
    this.#isPss = name === oid.rsaPss
    const digest = digests.get(this.#isPss && parameters !== undefined ? hashOf(parameters) : name)
    if (known?.isStrong !== true || digest === undefined) throw new DerError(`a signature made in a way that is not known here or too weak (${name})`)
    this.#algorithm = known
    this.#digest = digest
    this.#signed = signed
    this.#signature = signature
  }

  /** Whether it is the same signature of the same bytes. */
  isSameAs(other: ListSignature): boolean {
    return Buffer.compare(this.#signature, other.#signature) === 0 && Buffer.compare(this.#signed, other.#signed) === 0
  }

  /** Holds the caller up for as long as it takes. */
  isBy(key: KeyObject): boolean {
    return this.#fits(key) && verify(this.#digest, this.#signed, this.#input(key), this.#signature)
  }

  /** Holds nobody up. */
  isByLater(key: KeyObject): Promise<boolean> {
    if (!this.#fits(key)) return Promise.resolve(false)
    return new Promise(resolve => {
      verify(this.#digest, this.#signed, this.#input(key), this.#signature, (error, isGood) => { resolve(error === null && isGood) })
    })
  }

  #fits(key: KeyObject): boolean { return this.#algorithm.keyKinds.includes(keyStrengthOf(key).keyKind) }

  #input(key: KeyObject): KeyObject | (VerifyKeyObjectInput & SignKeyObjectInput) {
    return this.#isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : key
  }
}

/** RFC 4055 §3.1: the name of the hash, which stands first. Node.js takes it for the mask as well: a list with two different ones does not verify. */
function hashOf(parameters: DerNode): string {
  const [field] = childrenOf(parameters, tag.sequence)
  const [algorithm] = field === undefined ? [] : childrenOf(field, tag.constructedContext(0))
  const [type] = algorithm === undefined ? [] : childrenOf(algorithm, tag.sequence)
  return type === undefined ? '' : readObjectIdentifier(type)
}
