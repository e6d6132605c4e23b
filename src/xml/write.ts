/** Writes XML. Markup and text have different types, so that text cannot get into a document unescaped. */

declare const markupBrand: unique symbol
/** Serialised XML: any number of elements and escaped text. */
export type Markup = string & { readonly [markupBrand]: true }

const qualifiedName = /^[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?$/
// XML 1.0 §2.2: what is no Char, lone surrogates included. With the flag `u` a pair is one character.
const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

const escapes: ReadonlyMap<string, string> = new Map([['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['\'', '&apos;'], ['"', '&quot;'],
  ['\t', '&#9;'], ['\n', '&#10;'], ['\r', '&#13;']])
const escaped = (character: string): string => escapes.get(character) ?? character
/** A writer that reports an error must not fail for what it reports, so characters that XML forbids come out as U+FFFD. */
const permitted = (value: string): string => value.replace(forbidden, '\uFFFD')

/** Printable ASCII without anything that has a meaning in XML: most of what is written. */
const plain = /^[ !#-%(-;=?-~]*$/

/** For values in single or double quotes. White space is written so that it survives normalisation (XML 1.0 §3.3.3). */
export function escapeValue(value: string): string {
  if (plain.test(value)) return value
  return permitted(value).replace(/[&<>'"\t\n\r]/g, escaped)
}

/**
 * One element: `<name attributes/>`, with content between tags if there is any. Attributes that are null or undefined are left out.
 * Throws TypeError if a name is not an ASCII qualified name: names come from code, never from outside.
 */
export function tag(name: string, attributes: Readonly<Record<string, string | null | undefined>> = {}, ...content: readonly Markup[]): Markup {
  checkName(name)
  let start = `<${name}`
  for (const attribute in attributes) {
    const value = attributes[attribute]
    if (value === null || value === undefined) continue
    checkName(attribute)
    start += ` ${attribute}='${escapeValue(value)}'`
  }
  const inner = content.join('')
  return (inner === '' ? `${start}/>` : `${start}>${inner}</${name}>`) as Markup
}

function checkName(name: string): void {
  if (!qualifiedName.test(name)) throw new TypeError('not an XML name')
}

/** Character data. Characters that XML forbids come out as U+FFFD; CR is written so that it is read as CR (XML 1.0 §2.11). */
export function text(value: string): Markup {
  if (plain.test(value)) return value as Markup
  return permitted(value).replace(/[&<>\r]/g, escaped) as Markup
}

/** XML that is trusted and already serialised: a literal of ours, or an element that the scanner accepted. */
export function raw(trusted: string): Markup {
  return trusted as Markup
}
