// One certificate revocation list (RFC 5280 §5), complete and direct: of one issuer, for everything that it issued. Read a slice at a time, so
// that tens of thousands of entries hold nobody up.
import type { KeyObject } from 'node:crypto'
import { childrenOf, contentOf, DerError, readDer, tag } from './der.ts'
import type { DerNode } from './der.ts'
import { DerCursor } from './der-cursor.ts'
import { readExtension } from './certificate-extensions.ts'
import { readInteger, readTime } from './der-value.ts'
import { comparableName, readDistinguishedName } from './distinguished-name.ts'
import { oid } from './object-identifiers.ts'
import type { PathAuthority } from './path.ts'
import { readPathExtensions } from './path-extensions.ts'
import { ListSignature } from './revocation-list-signature.ts'
import { readRevokedSerials } from './revoked-serials.ts'
import type { RevokedSerials } from './revoked-serials.ts'

/** The bytes are no revocation list that can be used here; the message says why. */
export class RevocationListError extends Error {
  override readonly name = 'RevocationListError'
}

export interface RevocationListFields {
  /** RFC 4514, for people and logs only. */
  readonly issuer: string
  /** As comparableName gives it. */
  readonly issuerName: string
  /** Of the issuer's key, hexadecimal; null where the list does not say. */
  readonly keyIdentifier: string | null
  /** cRLNumber (§5.2.3) in hexadecimal; null where there is none. */
  readonly number: string | null
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  /** Null: the list says nothing of the next one. */
  readonly nextUpdate: number | null
  readonly serials: RevokedSerials
}

/** How many authorities that did not sign a list are remembered for it. */
const maxStrangers = 64

export class RevocationList {
  readonly fields: RevocationListFields
  readonly #signature: ListSignature
  #signer: KeyObject | null = null
  readonly #strangers = new Set<string>()

  constructor(fields: RevocationListFields, signature: ListSignature) {
    this.fields = fields
    this.#signature = signature
  }

  /** Whether the list says that it is this authority's (§6.3.3 (b), §5.2.1). */
  names({ subjectName, keyIdentifier }: PathAuthority): boolean {
    const { fields } = this
    return fields.issuerName === subjectName && (fields.keyIdentifier === null || keyIdentifier === null || fields.keyIdentifier === keyIdentifier)
  }

  /** Whether it is. The signature is checked once for each key. */
  isOf(authority: PathAuthority): boolean {
    if (!this.#mayBeOf(authority)) return false
    if (this.#signer !== null) return this.#signer.equals(authority.publicKey)
    return this.#remember(authority, this.#signature.isBy(authority.publicKey))
  }

  /** As `isOf`, without holding anybody up: the answer is there when `isOf` is asked. */
  async isOfLater(authority: PathAuthority): Promise<boolean> {
    if (!this.#mayBeOf(authority)) return false
    if (this.#signer !== null) return this.#signer.equals(authority.publicKey)
    return this.#remember(authority, await this.#signature.isByLater(authority.publicKey))
  }

  isNewerThan({ fields: other }: RevocationList): boolean {
    const { thisUpdate, number } = this.fields
    if (thisUpdate !== other.thisUpdate) return thisUpdate > other.thisUpdate
    return compareNumbers(number ?? '', other.number ?? '') > 0
  }

  /** Byte for byte. */
  isSameAs(other: RevocationList): boolean { return this.#signature.isSameAs(other.#signature) }

  isOutdated(now: number): boolean { return this.fields.nextUpdate !== null && now > this.fields.nextUpdate }

  /** RFC 5280 §4.2.1.3: key usage, where it is there, allows it to sign lists. */
  #mayBeOf(authority: PathAuthority): boolean {
    return authority.mayCrlSign && this.names(authority) && !this.#strangers.has(authority.fingerprint256)
  }

  #remember({ publicKey, fingerprint256 }: PathAuthority, isSigner: boolean): boolean {
    if (isSigner) this.#signer = publicKey
    else if (this.#strangers.size < maxStrangers) this.#strangers.add(fingerprint256)
    return isSigner
  }
}

/** Of two non-negative numbers in hexadecimal, without leading zeros but the sign's. */
function compareNumbers(one: string, other: string): number {
  return one.length === other.length ? (one < other ? -1 : one > other ? 1 : 0) : one.length - other.length
}

/** `rest` gives others their turn between two slices. Rejects with RevocationListError. */
export async function readRevocationList(der: Buffer, rest: () => Promise<void>): Promise<RevocationList> {
  try {
    return await readList(der, rest)
  } catch (cause) {
    if (cause instanceof DerError) throw new RevocationListError(cause.message, { cause })
    throw cause
  }
}

async function readList(der: Buffer, rest: () => Promise<void>): Promise<RevocationList> {
  const file = new DerCursor(der)
  const list = file.enter(tag.sequence)
  file.finish()
  const signed = list.whole(tag.sequence)
  const outerAlgorithm = list.whole(tag.sequence)
  const signature = list.take(tag.bitString)
  list.finish()
  if (signature[0] !== 0) throw new DerError('a signature that is not whole octets')

  const fields = new DerCursor(signed).enter(tag.sequence)
  const isVersion2 = fields.isNext(tag.integer)
  if (isVersion2 && readInteger(readDer(fields.whole(tag.integer))) !== '01') throw new DerError('an unknown version')
  const algorithm = fields.whole(tag.sequence)
  // §5.1.1.2: both name the same algorithm.
  if (!algorithm.equals(outerAlgorithm)) throw new DerError('two different signature algorithms')
  const issuer = readDer(fields.whole(tag.sequence))
  const thisUpdate = takeTime(fields)
  const nextUpdate = isTime(fields) ? takeTime(fields) : null
  if (nextUpdate !== null && nextUpdate < thisUpdate) throw new DerError('a next update before this one')
  const entries = fields.isNext(tag.sequence) ? fields.enter(tag.sequence) : null
  const extensions = fields.isNext(tag.constructedContext(0)) ? takeExtensions(fields, isVersion2) : noExtensions
  fields.finish()
  return new RevocationList({
    issuer: readDistinguishedName(issuer).text, issuerName: comparableName(issuer), thisUpdate, nextUpdate, ...extensions,
    serials: await readRevokedSerials(entries ?? new DerCursor(Buffer.alloc(0)), isVersion2, rest),
  }, new ListSignature(readDer(algorithm), signed, signature.subarray(1)))
}

const isTime = (fields: DerCursor) => fields.isNext(tag.utcTime) || fields.isNext(tag.generalizedTime)
const takeTime = (fields: DerCursor) => readTime(readDer(fields.whole(fields.isNext(tag.utcTime) ? tag.utcTime : tag.generalizedTime)))

type ListExtensions = Pick<RevocationListFields, 'keyIdentifier' | 'number'>
const noExtensions: ListExtensions = { keyIdentifier: null, number: null }

/** §5.2. What narrows the list down, or is critical and not known, would make it say less than it seems to say. */
function takeExtensions(fields: DerCursor, isVersion2: boolean): ListExtensions {
  if (!isVersion2) throw new DerError('extensions in a list of version 1')
  const [list, ...more] = childrenOf(readDer(fields.whole(tag.constructedContext(0))), tag.constructedContext(0))
  if (list === undefined || more.length > 0) throw new DerError('extensions that are not one list')
  const extensions = childrenOf(list, tag.sequence).map(readExtension)
  const { types, malformed, authorityKeyIdentifier } = readPathExtensions(list)
  if (types.has(oid.deltaCrlIndicator)) throw new DerError('a delta list, which only changes another one. Name the complete list')
  if (types.has(oid.issuingDistributionPoint)) {
    throw new DerError('a list for a part of what its issuer issued, or of several issuers (issuingDistributionPoint). Name the complete list')
  }
  const unknown = extensions.find(({ type, isCritical }) => isCritical && !understood.includes(type))
  if (unknown !== undefined) throw new DerError(`a critical extension that is not known here (${unknown.type})`)
  if (types.size < extensions.length) throw new DerError('an extension that is there twice')
  if (malformed !== null) throw new DerError(malformed)
  const number = extensions.find(({ type }) => type === oid.crlNumber)
  return { keyIdentifier: authorityKeyIdentifier?.keyIdentifier ?? null, number: number === undefined ? null : numberIn(readDer(number.value)) }
}

const understood: readonly string[] = [oid.authorityKeyIdentifier, oid.crlNumber]

/** §5.2.3: at most 20 octets. */
function numberIn(node: DerNode): string {
  const digits = readInteger(node)
  if (contentOf(node, tag.integer).length > 20 || /^[89a-f]/.test(digits)) throw new DerError('a list number that is none')
  return digits
}
