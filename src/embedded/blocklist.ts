/** Who is blocked by a list of JIDs (XEP-0191 §6). */
import { type BareJid, bareOf, domainOf, type Jid, resourcepartOf } from '../xmpp/jid.ts'

/**
 * From the most exact to the least: that very JID, its account with any resource, its domain with that resource, its domain. All of
 * them block, so that the order decides nothing but how soon it is found. Nobody is kept from the other resources of his own account (§5).
 */
export function isBlocked(blocked: ReadonlySet<Jid>, owner: BareJid, other: Jid): boolean {
  if (blocked.size === 0) return false
  const bare = bareOf(other)
  if (bare === owner) return false
  if (blocked.has(other) || blocked.has(bare)) return true
  const domain = domainOf(other)
  const resource = resourcepartOf(other)
  return blocked.has(domain as string as Jid) || (resource !== null && blocked.has(`${domain}/${resource}` as Jid))
}
