// rfc822Name subjectAltNames (RFC 5280 §4.2.1.6), for a mapping module of the operator's. Nothing of ours makes a user of them, so one that
// is no plain mailbox is left out, and does not spoil the certificate.
import { childrenOf, contentOf, tag, tagOf } from './der.ts'
import type { DerNode } from './der.ts'

/** RFC 5321 §4.1.2: Dot-string "@" Domain. No quoted string and no address literal: each could be read in more ways than one. */
const mailbox = /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[a-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i

/** RFC 5321 §4.5.3.1.3: a path has 256 octets with its brackets. */
const maxLength = 254

/** `names` is the GeneralNames value of the extension. Each once; the domain in lower case, the rest as it is (RFC 5280 §7.5). */
export function readEmailAddresses(names: DerNode): readonly string[] {
  const found = new Set<string>()
  for (const name of childrenOf(names, tag.sequence)) {
    // rfc822Name is [1] IMPLICIT IA5String.
    if (tagOf(name) !== tag.primitiveContext(1)) continue
    const octets = contentOf(name, tag.primitiveContext(1))
    if (octets.length > maxLength) continue
    // What is no ASCII does not match below.
    const address = octets.toString('latin1')
    if (!mailbox.test(address)) continue
    const at = address.lastIndexOf('@')
    found.add(address.slice(0, at) + address.slice(at).toLowerCase())
  }
  return [...found]
}
