// id-on-xmppAddr subjectAltNames (RFC 6120 §13.7.1.4), read from the DER and never from a printed form.
// One bad address spoils the certificate: there is no falling back to the others, nor to the common name.
import { isFull, parseJid } from '../xmpp/jid.ts'
import type { BareJid } from '../xmpp/jid.ts'
import { childrenOf, DerError, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'
import { readObjectIdentifier, readUtf8String } from './der-value.ts'
import { oid } from './object-identifiers.ts'

export interface XmppAddresses {
  /** Prepared (RFC 7622), each once. One without a localpart is never a user, but it too keeps the common name out of play. */
  readonly xmppAddrs: readonly BareJid[]
  /** Starts with `xmppAddr`. */
  readonly malformed: string | null
}

/** `names` is the GeneralNames value of the extension. Throws DerError when it is none. */
export function readXmppAddresses(names: DerNode): XmppAddresses {
  const found = new Set<BareJid>()
  let malformed: string | null = null
  for (const name of childrenOf(names, tag.sequence)) {
    // RFC 5280 §4.2.1.6: otherName is [0] IMPLICIT SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }.
    if (tagOf(name) !== tag.constructedContext(0)) continue
    const [type, value, ...rest] = childrenOf(name, tag.constructedContext(0))
    if (type === undefined) throw new DerError('an otherName without a type')
    if (readObjectIdentifier(type) !== oid.xmppAddr) continue
    const address = value === undefined || rest.length > 0 ? 'xmppAddr of a wrong structure' : readAddress(value)
    if (typeof address === 'string') malformed ??= address
    else found.add(address.jid)
  }
  return { xmppAddrs: [...found], malformed }
}

/** The address, or what is wrong with it. */
function readAddress(value: DerNode): { readonly jid: BareJid } | string {
  if (tagOf(value) !== tag.constructedContext(0)) return 'xmppAddr of a wrong structure'
  const [text, ...rest] = childrenOf(value, tag.constructedContext(0))
  if (text === undefined || rest.length > 0) return 'xmppAddr of a wrong structure'
  // RFC 6120 §13.7.1.4: XmppAddr ::= UTF8String
  if (tagOf(text) !== tag.utf8String) return 'xmppAddr that is not a UTF8String'
  let address: string
  try {
    address = readUtf8String(text)
  } catch (error) {
    if (error instanceof DerError) return 'xmppAddr that is not UTF-8'
    throw error
  }
  if (/\p{Cc}/u.test(address)) return 'xmppAddr with a control character'
  const jid = parseJid(address)
  if (jid === null) return 'xmppAddr that is not an XMPP address'
  if (isFull(jid)) return 'xmppAddr with a resource'
  return { jid }
}
