// "SASL EXTERNAL: what comes out for what goes in" §4 as a table: certificate × authzid × mode.
import { oid } from '../../src/x509/object-identifiers.ts'
import { subjectOf, type TestLeafOptions } from '../support/certificates.ts'

/** The stream is opened to localhost; other.localhost is served, too, and another host all the same. */
export const certificates = {
  'one xmppAddr, this host': { xmppAddrs: ['alice@localhost'], commonName: 'mallory' },
  'one xmppAddr, other host': { xmppAddrs: ['alice@other.localhost'], commonName: 'mallory' },
  // §3: a domain-only xmppAddr is never a user.
  'one xmppAddr, a domain': { xmppAddrs: ['localhost'], commonName: 'mallory' },
  'two xmppAddrs of this host': { xmppAddrs: ['bob@localhost', 'alice@localhost'], commonName: 'mallory' },
  'two xmppAddrs, one of this host': { xmppAddrs: ['bob@other.localhost', 'alice@localhost'], commonName: 'mallory' },
  // §3: duplicates count once.
  'one xmppAddr, twice': { xmppAddrs: ['alice@localhost', 'ALICE@localhost'] },
  'none, one CN': { commonName: 'alice' },
  'none, one CN that is a JID of this host': { commonName: 'alice@localhost' },
  'none, one CN that is a JID of another host': { commonName: 'alice@other.localhost' },
  'none, no CN': { subject: subjectOf(['2.5.4.11', 'Montague']) },
  'none, two CNs': { subject: subjectOf([oid.commonName, 'alice'], [oid.commonName, 'bob']) },
} as const satisfies Readonly<Record<string, TestLeafOptions>>
export type CertificateName = keyof typeof certificates

/** "Once a certificate has an xmppAddr only `standard` applies." */
const dash = '–'
const skipped = 'skipped'
const invalid = 'invalid-authzid'
const refused = 'not-authorized'

/** Who it becomes, the condition, or that the mode does not apply. `{alice}` is prefix + alice + suffix. */
type Cell = string

type Row = readonly [certificate: CertificateName, authzid: string, says: string | null, standard: Cell, commonName: Cell, authId: Cell]

export const rows: readonly Row[] = [
  ['one xmppAddr, this host', 'none', null, 'alice@localhost', dash, dash],
  ['one xmppAddr, this host', 'equal', 'alice@localhost', 'alice@localhost', dash, dash],
  ['one xmppAddr, this host', 'equal after preparation', 'ALICE@LocalHost', 'alice@localhost', dash, dash],
  ['one xmppAddr, this host', 'other user', 'bob@localhost', invalid, dash, dash],
  ['one xmppAddr, this host', 'the user of its common name', '{mallory}@localhost', invalid, dash, dash],
  ['one xmppAddr, this host', 'with a resource', 'alice@localhost/balcony', invalid, dash, dash],
  ['one xmppAddr, twice', 'none', null, 'alice@localhost', dash, dash],

  ['one xmppAddr, other host', 'none', null, refused, dash, dash],
  ['one xmppAddr, other host', 'equal', 'alice@other.localhost', refused, dash, dash],
  ['one xmppAddr, a domain', 'none', null, refused, dash, dash],

  ['two xmppAddrs of this host', 'none', null, invalid, dash, dash],
  ['two xmppAddrs of this host', 'equals one of this host', 'alice@localhost', 'alice@localhost', dash, dash],
  ['two xmppAddrs of this host', 'equals the other one', 'bob@localhost', 'bob@localhost', dash, dash],
  ['two xmppAddrs, one of this host', 'none (even where only one is of this host)', null, invalid, dash, dash],
  ['two xmppAddrs, one of this host', 'equals one of this host', 'alice@localhost', 'alice@localhost', dash, dash],
  ['two xmppAddrs, one of this host', 'equals one of another host', 'bob@other.localhost', refused, dash, dash],
  ['two xmppAddrs, one of this host', 'not listed', 'bob@localhost', invalid, dash, dash],
  ['two xmppAddrs, one of this host', 'listed, with a resource', 'alice@localhost/balcony', invalid, dash, dash],

  ['none, one CN', 'none', null, skipped, '{alice}@localhost', skipped],
  ['none, one CN', 'equal to the mapped JID', '{alice}@localhost', skipped, '{alice}@localhost', '{alice}@localhost'],
  ['none, one CN', 'CN@host before prefix and suffix', 'alice@localhost', skipped, '{alice}@localhost', 'alice@localhost'],
  ['none, one CN', 'other', 'bob@localhost', skipped, invalid, 'bob@localhost'],
  ['none, one CN', 'other, of another host', 'alice@other.localhost', skipped, invalid, refused],
  ['none, one CN', 'other: with a resource', '{alice}@localhost/balcony', skipped, invalid, invalid],
  ['none, one CN that is a JID of this host', 'none', null, skipped, 'alice@localhost', skipped],
  ['none, one CN that is a JID of this host', 'equal', 'alice@localhost', skipped, 'alice@localhost', 'alice@localhost'],
  ['none, one CN that is a JID of this host', 'other', 'bob@localhost', skipped, invalid, 'bob@localhost'],
  ['none, one CN that is a JID of another host', 'none', null, skipped, refused, skipped],
  ['none, one CN that is a JID of another host', 'equal', 'alice@other.localhost', skipped, refused, refused],
  ['none, one CN that is a JID of another host', 'its name at this host', 'alice@localhost', skipped, refused, 'alice@localhost'],

  ['none, no CN', 'none', null, skipped, skipped, skipped],
  ['none, no CN', 'user@host', 'carol@localhost', skipped, skipped, 'carol@localhost'],
  ['none, no CN', 'wrong host', 'carol@other.localhost', skipped, skipped, refused],
  ['none, two CNs', 'none', null, skipped, skipped, skipped],
  ['none, two CNs', 'user@host', 'alice@localhost', skipped, skipped, 'alice@localhost'],
  ['none, two CNs', 'wrong host', 'alice@other.localhost', skipped, skipped, refused],
]

const columns = { standard: 3, common_name: 4, auth_id: 5 } as const

/** Both generations of names. */
const modeOf = {
  standard: 'standard', common_name: 'common_name', auth_id: 'auth_id', use_common_name: 'common_name', allow_just_user_identity: 'auth_id',
} as const
export type ModeName = keyof typeof modeOf

export interface Configuration { readonly modes: readonly ModeName[], readonly prefix: string, readonly suffix: string }

export const filledIn = (text: string, { prefix, suffix }: Configuration): string =>
  text.replace(/\{(.*)\}/, (_braces, name: string) => `${prefix}${name}${suffix}`)

/** "A mode that does not apply to this certificate is skipped; the first that applies decides", and where none does: `not-authorized`. */
export function expected(row: Row, configuration: Configuration): string {
  const deciding = configuration.modes.map(mode => row[columns[modeOf[mode]]]).find(cell => cell !== skipped && cell !== dash)
  return filledIn(deciding ?? refused, configuration)
}

/** §2: EXTERNAL is offered where a mode could map the certificate to a user of this host, whatever the client asks to be. */
export const isOffered = (certificate: CertificateName, configuration: Configuration): boolean =>
  rows.some(row => row[0] === certificate && expected(row, configuration).includes('@'))
