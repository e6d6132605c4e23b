/**
 * Whether an element is the one that a script expects. Names, attributes, text and children must be the same: what is
 * not expected is a difference, too. `*` in a value stands for any characters (one at least); a value that is `*name` is any value,
 * which is `${name}` from then on. The words of an error's `<text/>` are compared only where a script writes them.
 */
import type { Element } from '../../src/xml/element.ts'
import { escapeValue, text } from '../../src/xml/write.ts'
import { NS_STANZA_ERRORS, NS_STREAM_ERRORS } from '../../src/xmpp/namespaces.ts'

export type Variables = Map<string, string>

/** The value with its variables filled in; one that nobody bound is a mistake in the script. */
export function fillIn(value: string, variables: Variables): string {
  return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const bound = variables.get(name)
    if (bound === undefined) throw new Error(`nothing is known as \${${name}}`)
    return bound
  })
}

/** Null where it matches, and then `variables` has what was captured; else what the difference is. */
export function difference(expected: Element, actual: Element, variables: Variables): string | null {
  const trial: Variables = new Map(variables)
  const found = compare(expected, actual, trial)
  if (found === null) for (const [name, value] of trial) variables.set(name, value)
  return found
}

function compare(expected: Element, actual: Element, variables: Variables): string | null {
  const at = `<${expected.local}/>`
  if (expected.local !== actual.local || expected.ns !== actual.ns) {
    return `${at} in ${expected.ns} was expected, but <${actual.local}/> in ${actual.ns} came`
  }
  for (const name of new Set([...expected.attributes.keys(), ...actual.attributes.keys()])) {
    const found = compareValue(`${at} ${name}`, expected.attributes.get(name) ?? null, actual.attributes.get(name) ?? null, variables)
    if (found !== null) return found
  }
  // White space between elements says nothing.
  const [wanted, got] = expected.children.length > 0 ? [expected.text.trim(), actual.text.trim()] : [expected.text, actual.text]
  const inText = compareValue(`the text of ${at}`, wanted, got, variables)
  if (inText !== null) return inText
  const children = expected.children.some(isErrorText) ? actual.children : actual.children.filter(child => !isErrorText(child))
  if (children.length !== expected.children.length) {
    return `${at} has ${children.length} children, not ${expected.children.length}`
  }
  for (const [index, child] of expected.children.entries()) {
    const other = children[index]
    const found = other === undefined ? `${at} lacks a child` : compare(child, other, variables)
    if (found !== null) return found
  }
  return null
}

const isErrorText = ({ ns, local }: Element): boolean => local === 'text' && (ns === NS_STANZA_ERRORS || ns === NS_STREAM_ERRORS)

function compareValue(what: string, expected: string | null, actual: string | null, variables: Variables): string | null {
  if (expected === null) return actual === null ? null : `${what} is there, which nobody expected: "${actual}"`
  if (actual === null) return `${what} is missing`
  const capture = /^\*(\w+)$/.exec(expected)?.[1]
  if (capture !== undefined) {
    variables.set(capture, actual)
    return null
  }
  const filled = expected.split('*').map(part => fillIn(part, variables))
  return matchesGlob(filled, actual) ? null : `${what} is "${actual}", not "${filled.join('*')}"`
}

/** `parts` in this order, with at least one character of any kind between two of them. */
function matchesGlob(parts: readonly string[], value: string): boolean {
  const pattern = parts.map(part => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('.+')
  return new RegExp(`^${pattern}$`, 'su').test(value)
}

/** An element for people to read. */
export function show({ ns, local, attributes, children, text: own }: Element, around = ''): string {
  const declared = [...ns === around ? [] : [['xmlns', ns] as const], ...attributes].map(([name, value]) => ` ${name}='${escapeValue(value)}'`).join('')
  const content = `${text(own)}${children.map(child => show(child, ns)).join('')}`
  return content === '' ? `<${local}${declared}/>` : `<${local}${declared}>${content}</${local}>`
}
