// The entries of a revocation list (RFC 5280 §5.1.2.6, §5.3): the serial numbers that it revokes, however many there are.
import { DerError, readDer, tag } from './der.ts'
import { DerCursor } from './der-cursor.ts'
import { readBoolean, readObjectIdentifier } from './der-value.ts'

/** Entries read in one go: a millisecond or less, then others have their turn. */
export const entriesInOneGo = 256

/** In DER: RFC 5280 §5.3.1, §5.3.2, §5.3.3. Compared as they are, because there may be as many as there are entries. */
const reasonCode = Buffer.from('0603551d15', 'hex')
const invalidityDate = Buffer.from('0603551d18', 'hex')
const certificateIssuer = Buffer.from('0603551d1d', 'hex')

/** X.690 §8.4. */
const enumerated = 0x0a
/** RFC 5280 §5.3.1: it takes an entry of an earlier list back, which only a delta list can do. */
const removeFromCrl = '08'

/** Split up by the last octet: a set that grows is copied as a whole now and then, and a large one would hold everybody up. */
export class RevokedSerials {
  readonly #shards = new Map<string, Set<string>>()
  #count = 0

  get size(): number { return this.#count }

  /** Hexadecimal, the content octets of the INTEGER. */
  has(serialNumber: string): boolean { return this.#shards.get(serialNumber.slice(-2))?.has(serialNumber) === true }

  add(serialNumber: string): void {
    const key = serialNumber.slice(-2)
    const shard = this.#shards.get(key)
    if (shard === undefined) this.#shards.set(key, new Set([serialNumber]))
    else shard.add(serialNumber)
    this.#count++
  }
}

/** `rest` gives others their turn between two goes. Rejects with DerError. */
export async function readRevokedSerials(entries: DerCursor, hasExtensions: boolean, rest: () => Promise<void>): Promise<RevokedSerials> {
  const serials = new RevokedSerials()
  while (!entries.isAtEnd) {
    readSome(entries, hasExtensions, serials)
    await rest()
  }
  return serials
}

function readSome(entries: DerCursor, hasExtensions: boolean, serials: RevokedSerials): void {
  for (let left = entriesInOneGo; left > 0 && !entries.isAtEnd; left--) serials.add(readEntry(entries.enter(tag.sequence), hasExtensions))
}

function readEntry(entry: DerCursor, hasExtensions: boolean): string {
  const serialNumber = entry.take(tag.integer)
  const [first, second] = serialNumber
  // X.690 §8.3.2. In another spelling it would not be found.
  if (first === undefined || (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))) {
    throw new DerError('a serial number in more octets than needed')
  }
  checkTime(entry)
  if (!entry.isAtEnd) {
    // RFC 5280 §5.1.2.1: a list of version 1 has none.
    if (!hasExtensions) throw new DerError('an entry with extensions in a list of version 1')
    readEntryExtensions(entry.enter(tag.sequence))
  }
  entry.finish()
  return serialNumber.toString('hex')
}

/** When it was revoked decides nothing, and there may be very many: only the form is looked at. */
function checkTime(entry: DerCursor): void {
  const isUtcTime = entry.isNext(tag.utcTime)
  const text = entry.take(isUtcTime ? tag.utcTime : tag.generalizedTime)
  const digits = isUtcTime ? 12 : 14
  if (text.length !== digits + 1 || text[digits] !== 0x5a) throw new DerError('a time of a wrong form')
  for (let index = 0; index < digits; index++) {
    const octet = text[index] ?? 0
    if (octet < 0x30 || octet > 0x39) throw new DerError('a time of a wrong form')
  }
}

/** RFC 5280 §5.3. An extension that is critical and not known here makes the whole list unusable, and so does one that gives the entry another issuer. */
function readEntryExtensions(extensions: DerCursor): void {
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(tag.sequence)
    const type = extension.whole(tag.objectIdentifier)
    const isCritical = extension.isNext(tag.boolean) && readBoolean(readDer(extension.whole(tag.boolean)))
    const value = extension.take(tag.octetString)
    extension.finish()
    if (type.equals(certificateIssuer)) throw new DerError('an indirect list, which revokes for other issuers')
    if (type.equals(reasonCode)) {
      if (new DerCursor(value).take(enumerated).toString('hex') === removeFromCrl) throw new DerError('an entry "removeFromCRL", which only a delta list may have')
    } else if (isCritical && !type.equals(invalidityDate)) {
      throw new DerError(`an entry with a critical extension that is not known here (${readObjectIdentifier(readDer(type))})`)
    }
  }
}
