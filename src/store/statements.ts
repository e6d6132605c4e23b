/** What the store says to its database: the same words for SQLite and PostgreSQL. */
import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'

import type { Statement, Step, Value } from '../auth/accounts/database.ts'
import type { BareJid, Jid } from '../xmpp/jid.ts'
import { type Change, maxRemoved, type RosterItem } from './store.ts'
import { tables } from './tables.ts'

const query = (name: string, text: string): Statement => ({ name: `meerkat_${name}`, text, isQuery: true })
const command = (name: string, text: string): Statement => ({ name: `meerkat_${name}`, text, isQuery: false })
const step = (statement: Statement, ...values: readonly Value[]): Step => ({ statement, values: checked(values) })

/** A row of a B-tree of PostgreSQL has at most 2,704 bytes, and three of these are the longest that there are. */
const longestInKey = 800

/** What stands in a key: what is longer as its digest, for a JID has up to 3,071 bytes and a namespace has any number. No JID begins with a slash. */
export function keyOf(text: string): string {
  const isShort = text.length <= longestInKey && Buffer.byteLength(text) <= longestInKey && !text.startsWith('/')
  return isShort ? text : `/${hash('sha256', text, 'base64url')}`
}

/** The key, and the JID itself where that is not the key. */
function keyed(jid: Jid): readonly [string, string | null] {
  const key = keyOf(jid)
  return [key, key === jid ? null : jid]
}

/** Databases keep another text, or part of it, or none, where it has what is in no XML: NUL, or half of a pair of surrogates. */
function checked(values: readonly Value[]): readonly Value[] {
  for (const value of values) if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) throw new TypeError('this is no text that can be kept')
  return values
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new TypeError('these bytes are no text that can be kept')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

/** All that an account has in memory, in one answer: rows of several kinds. */
export const load = query('load', `
  SELECT 'account' AS kind, NULL AS jid, NULL AS name, NULL AS group_names, NULL AS subscription, 0 AS asks, 0 AS approved, NULL AS request, known AS listed, roster_version AS version
    FROM meerkat_accounts WHERE account = $1
  UNION ALL SELECT 'item', COALESCE(whole, jid), name, group_names, subscription, asks, approved, request, listed, version FROM meerkat_roster WHERE account = $1
  UNION ALL SELECT 'removed', COALESCE(whole, jid), NULL, NULL, NULL, 0, 0, NULL, 0, version FROM meerkat_roster_removed WHERE account = $1
  UNION ALL SELECT 'blocked', COALESCE(whole, jid), NULL, NULL, NULL, 0, 0, NULL, 0, 0 FROM meerkat_blocked WHERE account = $1
  UNION ALL SELECT 'messages', NULL, NULL, NULL, NULL, 0, 0, NULL, 0, 0 WHERE EXISTS (SELECT 1 FROM meerkat_offline WHERE account = $1)`)

/** No JID begins with a slash, but a digest does. */
export const askers = query('askers', "SELECT account FROM meerkat_roster WHERE jid = $1 AND asks = 1 AND account NOT LIKE '/%' ORDER BY account LIMIT $2")
export const vcard = query('vcard', 'SELECT xml FROM meerkat_vcards WHERE account = $1')
export const privateXml = query('private', 'SELECT xml FROM meerkat_private WHERE account = $1 AND ns = $2 AND local = $3')
export const privateBytes = query('private_bytes', 'SELECT COALESCE(SUM(OCTET_LENGTH(xml)), 0) AS bytes FROM meerkat_private WHERE account = $1')
export const lastActivity = query('last_activity', 'SELECT seconds, status FROM meerkat_last_activity WHERE account = $1')
export const messages = query('messages', 'SELECT id, wire, at FROM meerkat_offline WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3')

/** Writes nothing where there are `$4` already. */
const keep = command('keep', `INSERT INTO meerkat_offline (account, wire, at) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT)
  WHERE (SELECT COUNT(*) FROM meerkat_offline WHERE account = CAST($1 AS TEXT)) < CAST($4 AS BIGINT)`)
const drop = command('drop', 'DELETE FROM meerkat_offline WHERE account = $1 AND id <= $2')

const setKnown = command('known', 'INSERT INTO meerkat_accounts (account, known, roster_version) VALUES ($1, 1, 0) ON CONFLICT (account) DO UPDATE SET known = 1')
const setVersion = command('version', `INSERT INTO meerkat_accounts (account, known, roster_version) VALUES ($1, 0, $2)
  ON CONFLICT (account) DO UPDATE SET roster_version = CASE WHEN excluded.roster_version > meerkat_accounts.roster_version THEN excluded.roster_version ELSE meerkat_accounts.roster_version END`)
const setItem = command('set_item', `INSERT INTO meerkat_roster (account, jid, whole, name, group_names, subscription, asks, approved, request, listed, version)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (account, jid) DO UPDATE SET name = excluded.name, group_names = excluded.group_names,
  subscription = excluded.subscription, asks = excluded.asks, approved = excluded.approved, request = excluded.request, listed = excluded.listed, version = excluded.version`)
const removeItem = command('remove_item', 'DELETE FROM meerkat_roster WHERE account = $1 AND jid = $2')
const rememberRemoval = command('remember', `INSERT INTO meerkat_roster_removed (account, jid, whole, version) VALUES ($1, $2, $3, $4)
  ON CONFLICT (account, jid) DO UPDATE SET version = excluded.version`)
const forgetRemoval = command('forget_removal', 'DELETE FROM meerkat_roster_removed WHERE account = $1 AND jid = $2')
const forgetRemovals = command('forget_removals', 'DELETE FROM meerkat_roster_removed WHERE account = $1 AND version <= $2')
const block = command('block', 'INSERT INTO meerkat_blocked (account, jid, whole) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING')
const unblock = command('unblock', 'DELETE FROM meerkat_blocked WHERE account = $1 AND jid = $2')
const unblockAll = command('unblock_all', 'DELETE FROM meerkat_blocked WHERE account = $1')
const setVcard = command('set_vcard', 'INSERT INTO meerkat_vcards (account, xml) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET xml = excluded.xml')
const removeVcard = command('remove_vcard', 'DELETE FROM meerkat_vcards WHERE account = $1')
const setPrivate = command('set_private', `INSERT INTO meerkat_private (account, ns, local, xml) VALUES ($1, $2, $3, $4)
  ON CONFLICT (account, ns, local) DO UPDATE SET xml = excluded.xml`)
const removePrivate = command('remove_private', 'DELETE FROM meerkat_private WHERE account = $1 AND ns = $2 AND local = $3')
const setLast = command('set_last', `INSERT INTO meerkat_last_activity (account, seconds, status) VALUES ($1, $2, $3)
  ON CONFLICT (account) DO UPDATE SET seconds = excluded.seconds, status = excluded.status`)

export const keepStep = (account: BareJid, wire: Uint8Array, at: number, max: number): Step => step(keep, keyOf(account), textOf(wire), at, max)
export const dropStep = (account: BareJid, upTo: number): Step => step(drop, keyOf(account), upTo)

export const forgetSteps = (account: BareJid): readonly Step[] =>
  tables.map(table => step(command(`empty_${table}`, `DELETE FROM ${table} WHERE account = $1`), keyOf(account)))

export function stepsOf(of: BareJid, change: Change): readonly Step[] {
  const account = keyOf(of)
  switch (change.kind) {
    case 'known':
      return [step(setKnown, account)]
    case 'roster-set':
      return [step(setItem, account, ...columnsOf(change.item)), step(forgetRemoval, account, keyOf(change.item.jid)), step(setVersion, account, change.item.version)]
    case 'roster-remove':
      return [step(removeItem, account, keyOf(change.jid)), step(rememberRemoval, account, ...keyed(change.jid), change.version),
        step(forgetRemovals, account, change.version - maxRemoved), step(setVersion, account, change.version)]
    case 'block':
      return [step(block, account, ...keyed(change.jid))]
    case 'unblock':
      return [step(unblock, account, keyOf(change.jid))]
    case 'unblock-all':
      return [step(unblockAll, account)]
    case 'vcard':
      return [change.xml === null ? step(removeVcard, account) : step(setVcard, account, textOf(change.xml))]
    case 'private': {
      const [ns, local] = [keyOf(change.ns), keyOf(change.local)]
      return [change.xml === null ? step(removePrivate, account, ns, local) : step(setPrivate, account, ns, local, textOf(change.xml))]
    }
    case 'last-activity':
      return [step(setLast, account, change.seconds, change.status)]
  }
}

const columnsOf = ({ jid, name, groups, subscription, ask, approved, request, isListed, version }: RosterItem): readonly Value[] =>
  [...keyed(jid), name, JSON.stringify(groups), subscription, Number(ask), Number(approved), request === null ? null : textOf(request), Number(isListed), version]
