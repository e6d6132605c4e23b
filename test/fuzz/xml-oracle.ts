/** What saxes 6 says about a document, with its own laxities made up for. Each is named where it is. */
import { SaxesParser } from 'saxes'
import type { SaxesTagNS } from 'saxes'
import type { Element } from '../../src/xml/element.ts'

interface Branch extends Element {
  readonly attributes: Map<string, string>
  readonly children: Branch[]
  text: string
}

class Refused extends Error {}

export type Judgement = { readonly verdict: 'accepted', readonly tree: Element } | { readonly verdict: 'refused' }
  /** saxes departs from the standard here, so that its word does not count. */
  | { readonly verdict: 'excluded' }

const ncName = /^[A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}]/u
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** saxes checks that a local part has name characters, not that it begins with one that may begin a name (Namespaces in XML 1.0 §4). */
function checkNames({ prefix, local }: { readonly prefix: string, readonly local: string }): void {
  if (prefix !== '' && !ncName.test(prefix)) throw new Refused('prefix')
  if (!ncName.test(local)) throw new Refused('local part')
}

export function judge(bytes: Uint8Array): Judgement {
  let xml
  try {
    xml = decoder.decode(bytes)
  } catch {
    return { verdict: 'refused' }
  }
  // saxes permits white space and a byte order mark before the element; RFC 7395 §3.3.3 does not.
  if (!xml.startsWith('<')) return { verdict: 'refused' }
  const open: Branch[] = []
  let root: Branch | null = null
  let isExcluded = false
  const refuse = () => { throw new Refused('restricted') }
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', error => { throw new Refused(error.message) })
  parser.on('xmldecl', refuse)
  parser.on('doctype', refuse)
  parser.on('comment', refuse)
  parser.on('processinginstruction', refuse)
  parser.on('attribute', attribute => {
    const { name, value } = attribute
    // saxes trims the name of a namespace, which the standard does not.
    if (/^xmlns(?::|$)/.test(name) && value !== value.trim()) isExcluded = true
  })
  parser.on('opentag', ({ uri, local, prefix, attributes }: SaxesTagNS) => {
    checkNames({ prefix, local })
    const branch: Branch = { ns: uri, local, attributes: new Map(), children: [], text: '' }
    for (const key of Object.keys(attributes)) {
      const attribute = attributes[key]
      if (attribute === undefined) continue
      checkNames(attribute)
      if (attribute.uri === xmlnsNamespace) continue
      branch.attributes.set(attribute.uri === '' ? attribute.local
        : attribute.uri === xmlNamespace ? `xml:${attribute.local}` : `{${attribute.uri}}${attribute.local}`, attribute.value)
    }
    open.at(-1)?.children.push(branch)
    root ??= branch
    open.push(branch)
  })
  parser.on('closetag', () => { open.pop() })
  const text = (piece: string) => {
    const branch = open.at(-1)
    if (branch !== undefined) branch.text += piece
  }
  parser.on('text', text)
  parser.on('cdata', piece => {
    if (open.length === 0) refuse()
    text(piece)
  })
  try {
    parser.write(xml).close()
  } catch (error) {
    if (error instanceof Refused) return { verdict: isExcluded ? 'excluded' : 'refused' }
    throw error
  }
  if (isExcluded) return { verdict: 'excluded' }
  // saxes does not mind a CDATA section of white space after the element, nor that the input ends in it.
  if (xml.lastIndexOf('<![CDATA[') > xml.lastIndexOf(']]>')) return { verdict: 'refused' }
  return root === null ? { verdict: 'refused' } : { verdict: 'accepted', tree: root }
}
