/** Search filters (RFC 4515) with places for names in them. What is filled in is put into values that have been parsed, never into text: it
 * cannot become syntax. The spaces and unescaped signs that some servers forgive are mistakes here. */

export type Filter =
  | { readonly kind: 'and' | 'or', readonly parts: readonly Filter[] }
  | { readonly kind: 'not', readonly part: Filter }
  | { readonly kind: 'equal' | 'atLeast' | 'atMost' | 'approximate', readonly attribute: string, readonly value: string }
  | { readonly kind: 'present', readonly attribute: string }
  | { readonly kind: 'substrings', readonly attribute: string, readonly initial: string, readonly any: readonly string[], readonly final: string }
  | { readonly kind: 'extensible', readonly attribute: string, readonly rule: string, readonly dnAttributes: boolean, readonly value: string }

export class FilterError extends Error {
  override readonly name = 'FilterError'
}

const deepest = 32
const attributeName = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*$/

export const isAttributeName = (text: string): boolean => attributeName.test(text)

/** Throws a FilterError. */
export function parseFilter(text: string): Filter {
  const { filter, end } = parseAt(text, 0, 0)
  if (end < text.length) throw fault('something after the last bracket', end)
  return filter
}

interface Parsed { readonly filter: Filter, readonly end: number }

const fault = (what: string, at: number) => new FilterError(`${what} at character ${at + 1}`)

function parseAt(text: string, start: number, depth: number): Parsed {
  if (depth > deepest) throw fault('brackets too deep', start)
  if (text[start] !== '(') throw fault('no opening bracket', start)
  const sign = text[start + 1]
  if (sign === '&' || sign === '|') {
    const parts: Filter[] = []
    let at = start + 2
    while (text[at] === '(') {
      const part = parseAt(text, at, depth + 1)
      parts.push(part.filter)
      at = part.end
    }
    if (parts.length === 0) throw fault(`nothing after ${sign}`, at)
    return closed(text, { kind: sign === '&' ? 'and' : 'or', parts }, at)
  }
  if (sign === '!') {
    const { filter, end } = parseAt(text, start + 2, depth + 1)
    return closed(text, { kind: 'not', part: filter }, end)
  }
  const stop = text.indexOf(')', start)
  if (stop < 0) throw fault('no closing bracket', text.length)
  return { filter: parseItem(text.slice(start + 1, stop), start + 1), end: stop + 1 }
}

function closed(text: string, filter: Filter, at: number): Parsed {
  if (text[at] !== ')') throw fault('no closing bracket', at)
  return { filter, end: at + 1 }
}

const operators = { '>': 'atLeast', '<': 'atMost', '~': 'approximate' } as const

function parseItem(item: string, at: number): Filter {
  const equals = item.indexOf('=')
  if (equals < 0) throw fault('no "="', at)
  const before = item.slice(0, equals)
  const value = item.slice(equals + 1)
  const valueAt = at + equals + 1
  if (before.endsWith(':')) return parseExtensible(before.slice(0, -1), literal(value, valueAt), at)
  const sign = before.at(-1)
  if (sign === '>' || sign === '<' || sign === '~') {
    return { kind: operators[sign], attribute: attribute(before.slice(0, -1), at), value: literal(value, valueAt) }
  }
  const name = attribute(before, at)
  if (value === '*') return { kind: 'present', attribute: name }
  if (!value.includes('*')) return { kind: 'equal', attribute: name, value: literal(value, valueAt) }
  const [initial = '', ...others] = value.split('*').map(piece => literal(piece, valueAt))
  const any = others.slice(0, -1)
  if (any.includes('')) throw fault('two "*" side by side', valueAt)
  return { kind: 'substrings', attribute: name, initial, any, final: others.at(-1) ?? '' }
}

/** attribute, "dn" and a matching rule, each with a colon before it but the first (RFC 4515 §3 "extensible"). */
function parseExtensible(before: string, value: string, at: number): Filter {
  const [name = '', ...rest] = before.split(':')
  const dnAttributes = rest[0]?.toLowerCase() === 'dn'
  const [rule = '', ...further] = dnAttributes ? rest.slice(1) : rest
  if (further.length > 0 || (name === '' && rule === '')) throw fault('an extensible match that is none', at)
  return { kind: 'extensible', attribute: name === '' ? '' : attribute(name, at), rule: rule === '' ? '' : attribute(rule, at), dnAttributes, value }
}

function attribute(name: string, at: number): string {
  if (!isAttributeName(name)) throw fault('no attribute name', at)
  return name
}

/** RFC 4515 §3: NUL, brackets, asterisk and backslash are written as `\` and two hexadecimal digits; so may any other byte of UTF-8. */
function literal(value: string, at: number): string {
  if (!value.includes('\\')) {
    if (/[(*\0]/.test(value)) throw fault('a sign that has to be escaped', at)
    return value
  }
  if (/[(*\0]|\\(?![0-9A-Fa-f]{2})/.test(value)) throw fault('a sign that has to be escaped, or an escape without two digits', at)
  const bytes = value.split(/(\\[0-9A-Fa-f]{2})/).map(piece => piece.startsWith('\\') ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes))
  } catch {
    throw fault('escaped bytes that are not UTF-8', at)
  }
}

/** What stands for a name: `%u`, `%d`, `%D`, and `%s` for one attribute after the other. */
export interface Names { readonly u: string, readonly d: string, readonly D: string, readonly s: readonly string[] }

export const countOf = (filter: Filter, place: keyof Names): number => valuesIn(filter).join('\0').split(`%${place}`).length - 1

function valuesIn(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case 'and': case 'or': return filter.parts.flatMap(valuesIn)
    case 'not': return valuesIn(filter.part)
    case 'present': return []
    case 'substrings': return [filter.initial, ...filter.any, filter.final]
    default: return [filter.value]
  }
}

/** The filter with the names in their places. */
export function filledIn(filter: Filter, names: Names): Filter {
  let next = 0
  const fill = (value: string): string => value.replace(/%([udDs])/g, (_place, letter: keyof Names) => {
    if (letter !== 's') return names[letter]
    next += 1
    return names.s[next - 1] ?? ''
  })
  const visit = (one: Filter): Filter => {
    switch (one.kind) {
      case 'and': case 'or': return { ...one, parts: one.parts.map(visit) }
      case 'not': return { ...one, part: visit(one.part) }
      case 'present': return one
      case 'substrings': return { ...one, initial: fill(one.initial), any: one.any.map(fill), final: fill(one.final) }
      default: return { ...one, value: fill(one.value) }
    }
  }
  return visit(filter)
}
