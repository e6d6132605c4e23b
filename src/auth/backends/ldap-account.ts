/** Which entry of a directory is an account (behaviour/external.md §5): the search for it, and what is looked at in what was found. */

import { randomBytes } from 'node:crypto'

import type { Entry } from 'ldapts'

import { prepareLocalpart } from '../../xmpp/jid.ts'
import { filledIn, parseFilter } from './ldap-filter.ts'
import type { Filter } from './ldap-filter.ts'
import type { LdapOptions } from './ldap-options.ts'

export interface SecondSearch {
  readonly filter: Filter
  /** False where the entry lacks an attribute that dn_filter needs: whatever is found, it is no account. */
  readonly decides: boolean
}

export class AccountRule {
  readonly #options: LdapOptions
  readonly #filter: Filter | null
  readonly #dnFilter: Filter | null
  /** What the search has to bring for the rest to be decided. */
  readonly attributes: readonly string[]

  /** The filters have been checked. */
  constructor(options: LdapOptions) {
    const { uids, filter, dn_filter, local_filter } = options
    this.#options = options
    this.#filter = filter === undefined ? null : parseFilter(filter)
    this.#dnFilter = dn_filter === undefined ? null : parseFilter(dn_filter.filter)
    this.attributes = [...new Set([...uids.map(({ attr }) => attr), ...dn_filter?.attributes ?? [], ...local_filter === undefined ? [] : [local_filter.attribute]])]
  }

  search(localpart: string): Filter {
    const named = this.#options.uids.map(({ attr, format }): Filter =>
      ({ kind: 'equal', attribute: attr, value: format.split('%u').join(localpart) }))
    const [only, ...others] = named
    const name: Filter = only !== undefined && others.length === 0 ? only : { kind: 'or', parts: named }
    return this.#filter === null ? name : { kind: 'and', parts: [name, this.#filter] }
  }

  /**
   * Directories compare more loosely than XMPP: `straße` finds `strasse`. Only who has the name, prepared (RFC 7622 §3.3), is the user; else two
   * users of XMPP would be one person.
   */
  isNamed(localpart: string, entry: Entry): boolean {
    return this.#options.uids.some(({ attr, format }) => {
      const [before = '', after = ''] = format.split('%u')
      return valuesOf(entry, attr).some(value => {
        const end = value.length - after.length
        return end >= before.length && isSame(value.slice(0, before.length), before) && isSame(value.slice(end), after)
          && prepareLocalpart(value.slice(before.length, end)) === localpart
      })
    })
  }

  passesLocalFilter(entry: Entry): boolean {
    const { local_filter } = this.#options
    if (local_filter === undefined) return true
    const values = valuesOf(entry, local_filter.attribute)
    // In doubt the account does not pass: `equal` wants the very value, `notequal` minds no capitals.
    return local_filter.operation === 'equal'
      ? values.some(value => local_filter.values.includes(value))
      : !values.some(value => local_filter.values.some(other => isSame(value, other)))
  }

  /** Null without a dn_filter. */
  secondSearch(localpart: string, domain: string, entry: Entry): SecondSearch | null {
    if (this.#dnFilter === null) return null
    const values = (this.#options.dn_filter?.attributes ?? []).map(attribute => valuesOf(entry, attribute)[0] ?? '')
    // What is no value of the entry is one of no entry.
    const s = values.map(value => value === '' ? randomBytes(12).toString('hex') : value)
    return { filter: filledIn(this.#dnFilter, { u: localpart, d: domain, D: entry.dn, s }), decides: !values.includes('') }
  }
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** Names of attributes mind no capitals (RFC 4512 §2.5). Values that are not text are none here. */
function valuesOf(entry: Entry, attribute: string): readonly string[] {
  return Object.entries(entry).filter(([name]) => isSame(name, attribute)).flatMap(([, value]) => [value].flat()).filter(value => typeof value === 'string')
}
