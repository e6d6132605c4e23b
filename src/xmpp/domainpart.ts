/**
 * Domainparts (RFC 7622 §3.2): host names of NR-LDH labels and U-labels (IDNA2008: RFC 5890 to 5893, mapping of RFC 5895), IPv4
 * addresses and bracketed IPv6 addresses. The canonical form has U-labels, lower case and no final dot.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { isRightToLeft, satisfiesBidiRule } from './precis-bidi-rule.ts'
import { conformsToIdna } from './precis-derived-property.ts'
import { isStreamSafe, mapCase, mapWidth } from './precis.ts'

/** RFC 1034 §3.1: a label has 63 octets; a name has 255 on the wire, which leaves 253 for the text without its final dot. */
const MAX_LABEL_OCTETS = 63
const MAX_NAME_OCTETS = 253
/** RFC 7622 §3.2: no domainpart is longer. A longer spelling of a short name is not looked at. */
const MAX_DOMAINPART_OCTETS = 1023

/** RFC 5890 §2.3.1: letters, digits, inner hyphens (so no underscore), and no `--` in the third and fourth position. */
const NR_LDH_LABEL = /^(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** RFC 1123 §2.1: a name is not mistaken for an address since its last label is not numeric; browsers read 0x7f as a number too. */
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/

/** The A-label of a valid U-label, or null: RFC 5891 §4.2.3 with the engine's Punycode and its own checks on top of ours. */
function toALabel(label: string): string | null {
  if (label.startsWith('-') || label.endsWith('-') || label.startsWith('--', 2)) return null // §4.2.3.1
  if (/^\p{M}/u.test(label)) return null // §4.2.3.2: no leading combining mark
  if (!conformsToIdna(label)) return null // §4.2.2, §4.2.3.3: code points and contextual rules
  const aLabel = domainToASCII(label)
  if (!aLabel.startsWith('xn--') || aLabel.length > MAX_LABEL_OCTETS) return null
  return domainToUnicode(aLabel) === label ? aLabel : null
}

/** The canonical form of a mapped label and the length it has in the DNS; null when it is no label. */
function prepareLabel(label: string): { canonical: string; octets: number } | null {
  if (NR_LDH_LABEL.test(label)) return { canonical: label, octets: label.length }
  if (label.startsWith('xn--')) {
    // RFC 7622 §3.2.1: an A-label is converted to its U-label. One that is not the A-label of a valid U-label is fake.
    if (label.length > MAX_LABEL_OCTETS || !/^[a-z0-9-]+$/.test(label)) return null
    const uLabel = domainToUnicode(label)
    return isAscii(uLabel) || toALabel(uLabel) !== label ? null : { canonical: uLabel, octets: label.length }
  }
  const aLabel = isAscii(label) ? null : toALabel(label)
  return aLabel === null ? null : { canonical: label, octets: aLabel.length }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7F) return false
  return true
}

/** RFC 7622 §3.1: an IPv6 address stands in brackets. Zone identifiers (RFC 6874) mean nothing to anybody else: refused. */
function prepareIpLiteral(input: string): string | null {
  const address = input.slice(1, -1)
  if (!input.endsWith(']') || address.includes('%') || !isIPv6(address)) return null
  return domainToASCII(input) || null // the engine's serialisation: lower case, the longest run of zeros compressed
}

/**
 * Whether the span is a domainpart that is already canonical and can be told so at a glance: ASCII, lower case, the last label
 * starting with a letter. Everything else takes the long way, `prepareDomainpart`.
 */
export function isPlainDomainpart(text: string, start: number, end: number): boolean {
  if (end <= start || end - start > MAX_NAME_OCTETS) return false
  let labelStart = start
  for (let index = start; index <= end; index += 1) {
    const code = index < end ? text.charCodeAt(index) : 0x2E
    if (code === 0x2E) {
      if (index === labelStart || index - labelStart > MAX_LABEL_OCTETS || text.charCodeAt(index - 1) === 0x2D) return false
      labelStart = index + 1
    } else if (code === 0x2D) {
      if (index === labelStart || (index === labelStart + 3 && text.charCodeAt(index - 1) === 0x2D)) return false
    } else if (!(code >= 0x61 && code <= 0x7A) && !(code >= 0x30 && code <= 0x39)) return false
  }
  const last = text.lastIndexOf('.', end - 1) + 1
  return text.charCodeAt(Math.max(last, start)) > 0x39
}

/** The canonical domainpart, or null when the input is none. */
export function prepareDomainpart(input: string): string | null {
  if (isPlainDomainpart(input, 0, input.length)) return input
  if (input.length > MAX_DOMAINPART_OCTETS || !input.isWellFormed() || !isStreamSafe(input)) return null
  // RFC 7622 §3.2: one final dot is stripped "before any other canonicalization steps are taken".
  const name = input.endsWith('.') ? input.slice(0, -1) : input
  if (name.startsWith('[')) return prepareIpLiteral(name)
  // RFC 5895 §2: lower case, width, NFC, ideographic full stop as separator; in this order.
  const mapped = mapWidth(mapCase(name)).normalize('NFC').replaceAll('\u3002', '.')
  if (isIPv4(mapped)) return mapped
  const labels: string[] = []
  let octets = -1
  for (const text of mapped.split('.')) {
    const label = prepareLabel(text)
    if (label === null) return null
    octets += label.octets + 1
    if (octets > MAX_NAME_OCTETS) return null
    labels.push(label.canonical)
  }
  if (NUMERIC_LABEL.test(labels.at(-1) ?? '')) return null
  // RFC 5893 §2: in a domain name with a right-to-left label, every label satisfies the rule.
  if (labels.some(isRightToLeft) && !labels.every(satisfiesBidiRule)) return null
  return labels.join('.')
}
