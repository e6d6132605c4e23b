// Names of certificates: the common names that external.md §3 may use, and RFC 4514 strings for people and logs, which nothing ever parses.
import { childrenOf, derOf, DerError, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readCharacterString, readObjectIdentifier } from './der-value.ts'
import { attributeNames, oid } from './object-identifiers.ts'

export interface DistinguishedName {
  /** RFC 4514, most specific part first, cut where it grows beyond reading. */
  readonly text: string
  readonly commonNames: readonly string[]
  /** Why the common names cannot be relied on; null when they can. */
  readonly malformed: string | null
}

/** Kept for every connection and written to logs: a name need not be longer. */
const maxTextLength = 512

/** Throws DerError when the structure is not a Name (RFC 5280 §4.1.2.4). */
export function readDistinguishedName(node: DerNode): DistinguishedName {
  const commonNames: string[] = []
  const parts: string[] = []
  let malformed: string | null = null
  for (const relativeName of childrenOf(node, tag.sequence)) {
    const attributes = childrenOf(relativeName, tag.set)
    if (attributes.length === 0) throw new DerError('an empty relative name')
    parts.push(attributes.map(attribute => {
      const [typeNode, valueNode, ...rest] = childrenOf(attribute, tag.sequence)
      if (typeNode === undefined || valueNode === undefined || rest.length > 0) throw new DerError('an attribute that is not type and value')
      const type = readObjectIdentifier(typeNode)
      const value = characterStringOrNull(valueNode)
      if (type === oid.commonName) {
        if (value === null) malformed = 'commonName that cannot be decoded'
        else if (/\p{Cc}/u.test(value)) malformed = 'commonName with a control character'
        else commonNames.push(value)
      }
      // RFC 4514 §2.4: a value without a string form is shown as the hexadecimal form of its DER.
      return `${attributeNames.get(type) ?? type}=${value === null ? `#${derOf(valueNode).toString('hex')}` : escapeValue(value)}`
    }).join('+'))
  }
  const text = parts.reverse().join(',') // RFC 4514 §2.1: starting with the last element
  return { text: text.length > maxTextLength ? `${text.slice(0, maxTextLength).toWellFormed()}…` : text, commonNames, malformed }
}

/**
 * Equal for names that RFC 5280 §7.1 calls the same: whatever string type they are in, the case of ASCII letters and the amount of white
 * space do not count. As OpenSSL compares them. For finding an issuer only; its signature is what proves anything.
 */
export function comparableName(node: DerNode): string {
  return childrenOf(node, tag.sequence).map(relativeName => childrenOf(relativeName, tag.set).map(attribute => {
    const [type, value] = childrenOf(attribute, tag.sequence)
    if (type === undefined || value === undefined) throw new DerError('an attribute that is not type and value')
    const text = tagOf(value) === tag.numericString ? null : characterStringOrNull(value)
    // JSON keeps the parts apart whatever they hold.
    return JSON.stringify([readObjectIdentifier(type), text === null ? derOf(value).toString('hex') : comparableText(text)])
  }).toSorted().join('+')).join(',')
}

const comparableText = (text: string) => ` ${text.split(/[\t-\r ]+/).filter(word => word !== '').join(' ')
  .replace(/[A-Z]/g, letter => letter.toLowerCase())}`

function characterStringOrNull(node: DerNode): string | null {
  try {
    return readCharacterString(node)
  } catch (error) {
    if (error instanceof DerError) return null
    throw error
  }
}

/** RFC 4514 §2.4; also escapes `=`, and whatever could disturb a log line or a page (controls, invisible and direction-changing characters). */
function escapeValue(value: string): string {
  return value
    .replace(/[\\"+,;<>=]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, character => [...Buffer.from(character)].map(hexPair).join(''))
}

const hexPair = (octet: number) => `\\${octet.toString(16).padStart(2, '0').toUpperCase()}`
